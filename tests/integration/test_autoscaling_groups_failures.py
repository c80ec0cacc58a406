# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""autoscaling_groups where AWS refuses or something is in the way: limits, denials, throttling, changes meanwhile."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.ekspress.eks.tests.integration.eks_clusters import counted, written

from sandbox.aws.client import AwsServer
from tests.integration.scaling_groups import (
    DELETE,
    DESCRIBE,
    HOOKS,
    INSTANCE_TAGS,
    PUT,
    TAG,
    TAG_INSTANCES,
    UNTAG,
    UNTAG_INSTANCES,
    Groups,
    assert_nothing_written,
    converge,
    meanwhile,
    of,
)

DRAIN = {"name": "drain", "transition": "terminating", "heartbeat_timeout": 300, "default_result": "CONTINUE"}
ENTRY: dict[str, Any] = {
    "name": "first",
    "tags": {"managed": "blue"},
    "propagate": True,
    "lifecycle_hooks": [DRAIN],
}
GONE: dict[str, Any] = {**ENTRY, "state": "absent"}
READS = [DESCRIBE, HOOKS, INSTANCE_TAGS]
STEPS = [*((call, ENTRY) for call in [*READS, TAG, TAG_INSTANCES, PUT])]
STEPS += [*((call, GONE) for call in (DELETE, UNTAG, UNTAG_INSTANCES))]
steps = pytest.mark.parametrize(("call", "entry"), STEPS, ids=[call for call, _entry in STEPS])


@pytest.fixture
def groups(aws: AwsServer) -> Groups:
    """Small groups of no cluster."""
    return Groups(aws)


def prepare(groups: Groups, entry: dict[str, Any]) -> None:
    if entry is GONE:
        converge(ENTRY)
        groups.aws.clear_calls()


def fault(aws: AwsServer, call: str, effect: str, **rule: Any) -> None:
    service, _colon, operation = call.partition(":")
    aws.fault(operation, effect, service=service, **rule)


@steps
def test_throttling_is_waited_out(groups: Groups, call: str, entry: dict[str, Any]) -> None:
    prepare(groups, entry)
    fault(groups.aws, call, "throttle", times=2)
    assert converge(entry)["changed"]
    assert counted(groups.aws)[call] == 3
    assert not converge(entry)["changed"]


@pytest.mark.parametrize("call", [DESCRIBE, HOOKS, TAG, PUT])
def test_a_pending_update_is_waited_out(groups: Groups, call: str) -> None:
    fault(groups.aws, call, "error", code="ResourceContention", status=500, times=2)
    assert converge(ENTRY)["changed"]
    assert not converge(ENTRY)["changed"]


@steps
def test_a_denied_call_is_named(groups: Groups, call: str, entry: dict[str, Any]) -> None:
    prepare(groups, entry)
    fault(groups.aws, call, "deny", times=None)
    result = converge(entry)
    assert result["failed"]
    assert f"may not call {call}" in result["msg"]
    assert result["error"]["action"] == call
    if call in READS:
        assert written(groups.aws) == []
    groups.aws.clear_faults()
    assert converge(entry)["changed"]
    assert not converge(entry)["changed"]


def test_a_write_that_fails_says_what_was_written_and_the_next_run_does_the_rest(groups: Groups) -> None:
    fault(groups.aws, PUT, "deny", times=None, match={"AutoScalingGroupName": "second"})
    result = converge(ENTRY, {**ENTRY, "name": "second"}, {**ENTRY, "name": "empty"})
    assert (result["failed"], result["changed"]) == (True, True)
    assert "Lifecycle hook drain of the Auto Scaling group second: " in result["msg"]
    assert "Written before: empty, first, second; run again for the rest." in result["msg"]
    assert result["written_groups"] == ["empty", "first", "second"]
    assert "drain" in groups.hooks("first")
    groups.aws.clear_faults()
    again = converge(ENTRY, {**ENTRY, "name": "second"}, {**ENTRY, "name": "empty"})
    assert [group["hooks_set"] for group in again["groups"]] == [[], [], ["drain"]]
    assert not converge(ENTRY, {**ENTRY, "name": "second"}, {**ENTRY, "name": "empty"})["changed"]


def test_nothing_follows_a_step_that_failed(groups: Groups) -> None:
    fault(groups.aws, TAG, "deny", times=None)
    result = converge({**ENTRY, "propagate": False})
    assert "Tags managed of the Auto Scaling groups first: " in result["msg"]
    assert result["msg"].endswith("Nothing was changed.")
    assert not result["changed"]
    assert written(groups.aws) == [TAG]


def test_unknown_groups_are_named_before_any_write(groups: Groups) -> None:
    result = converge(ENTRY, {"name": "nobody"}, {"name": "nowhere", "tags": {"a": "b"}})
    text = "There is no EC2 Auto Scaling group 'nobody', 'nowhere' in eu-central-1. Check the names"
    assert_nothing_written(result, groups.aws, text, "Nothing was changed")


def test_missing_required_tags_are_named_before_any_write(groups: Groups) -> None:
    result = converge(
        ENTRY,
        {"name": "first", "required_tags": {"eks:nodegroup-name": "general", "Team": "nodes"}},
        {"name": "second", "required_tags": {"Team": "network", "more": ""}},
    )
    assert_nothing_written(
        result,
        groups.aws,
        "'first' lacks required tags: Team=nodes (it is 'network'), eks:nodegroup-name=general.",
        "'second' lacks required tags: more=.",
        "EKS for a managed node group",
    )


def test_contradictions_are_named_before_any_call(groups: Groups) -> None:
    result = converge(ENTRY, {"name": "first", "state": "absent", "tags": {"managed": "blue"}})
    assert_nothing_written(result, groups.aws, "groups[0] wants it to be 'blue'", "groups[1] removes it")
    assert counted(groups.aws) == {}


def test_fifty_tags_of_groups_and_instances(groups: Groups) -> None:
    converge({"name": "first", "tags": {f"tag-{number:02}": "x" for number in range(48)}})
    instance = groups.ids("second")[0]
    groups.ec2.create_tags(Resources=[instance], Tags=[{"Key": f"tag-{n:02}", "Value": "x"} for n in range(49)])
    groups.aws.clear_calls()
    result = converge(ENTRY, {**ENTRY, "name": "second"}, {"name": "empty", "tags": {"a": "b"}})
    assert_nothing_written(
        result,
        groups.aws,
        "'first' would have 51 tags, and 50 is the most",
        "Instances of the Auto Scaling group 'second' would have more than 50 tags, which is the most:",
        f"{instance} (51);",
    )
    assert converge({"name": "first", "purge_tag_prefixes": ["tag-0"], "tags": {"managed": "blue"}})["changed"]


def test_fifty_hooks(groups: Groups) -> None:
    for number in range(49):
        groups.put_hook("first", f"hook-{number}")
    groups.aws.clear_calls()
    assert_nothing_written(converge(ENTRY), groups.aws, "'first' would have 51 lifecycle hooks, and 50 is the most")
    swap = {"name": "first", "state": "absent", "lifecycle_hooks": [{"name": "hook-7"}]}
    assert converge(ENTRY, swap)["changed"]


def test_what_others_tag_meanwhile_stays(groups: Groups) -> None:
    result = meanwhile(groups.aws, TAG, lambda: groups.put_tag("first", "theirs", "new"), ENTRY)
    assert result["changed"]
    assert groups.ours("first") == {"managed": ("blue", True), "theirs": ("new", False)}
    prepare(groups, GONE)
    meanwhile(groups.aws, DELETE, lambda: groups.put_hook("first", "theirs"), GONE)
    assert "theirs" in groups.hooks("first")


def test_a_tag_that_changes_before_it_is_removed_stays(groups: Groups) -> None:
    prepare(groups, GONE)
    meanwhile(groups.aws, UNTAG, lambda: groups.put_tag("first", "managed", "green"), {**GONE, "propagate": False})
    assert groups.ours("first") == {"managed": ("green", False)}


def test_an_instance_that_is_gone_meanwhile_does_not_stop_the_others(groups: Groups) -> None:
    def is_gone(call: str, instance: str) -> None:
        message = f"The instance ID '{instance}' does not exist"
        fault(groups.aws, call, "error", code="InvalidInstanceID.NotFound", message=message)

    first, second, third = groups.ids("first")
    is_gone(TAG_INSTANCES, first)
    assert of(converge(ENTRY), "first")["instances_tagged"] == [second, third]
    assert groups.instances_with("first", "managed", "blue") == [second, third]
    is_gone(UNTAG_INSTANCES, second)
    assert of(converge(GONE), "first")["instances_untagged"] == [third]
    assert groups.instances_with("first", "managed", "blue") == [second]


def test_instances_that_are_all_gone_meanwhile(groups: Groups) -> None:
    ids = groups.ids("first")
    message = f"The instance IDs '{', '.join(ids)}' do not exist"
    fault(groups.aws, TAG_INSTANCES, "error", code="InvalidInstanceID.NotFound", message=message)
    assert of(converge(ENTRY), "first")["instances_tagged"] == []
    assert counted(groups.aws)[TAG_INSTANCES] == 1
    fault(groups.aws, TAG_INSTANCES, "error", code="InvalidInstanceID.NotFound", message="whoever")
    assert "InvalidInstanceID.NotFound: whoever" in converge(ENTRY)["msg"]


def delete(groups: Groups, name: str) -> None:
    groups.autoscaling.delete_auto_scaling_group(AutoScalingGroupName=name, ForceDelete=True)


@pytest.mark.parametrize("call", [UNTAG, DELETE])
def test_a_group_that_is_gone_meanwhile_has_nothing_to_be_removed(groups: Groups, call: str) -> None:
    entries = [{**GONE, "propagate": False}, {**GONE, "propagate": False, "name": "second"}]
    converge(*({**entry, "state": "present"} for entry in entries))
    result = meanwhile(groups.aws, call, lambda: delete(groups, "second"), *entries)
    assert "msg" not in result
    assert groups.ours("first") == {}
    assert "drain" not in groups.hooks("first")


def test_a_group_that_is_gone_meanwhile_cannot_be_tagged(groups: Groups) -> None:
    result = meanwhile(groups.aws, TAG, lambda: delete(groups, "first"), {**ENTRY, "propagate": False})
    assert result["failed"]
    assert "AutoScaling Group first not found" in result["msg"]
    assert result["msg"].endswith("Nothing was changed.")
    groups.aws.clear_calls()
    assert_nothing_written(converge(ENTRY), groups.aws, "There is no EC2 Auto Scaling group 'first'")


def test_a_group_that_comes_while_it_is_read(groups: Groups) -> None:
    match = {"AutoScalingGroupName": "first"}
    fault(groups.aws, HOOKS, "error", code="ValidationError", message="AutoScalingGroup name not found", match=match)
    assert_nothing_written(converge(ENTRY), groups.aws, "'first' was made or deleted while it was read; run again")


def test_a_removal_that_is_not_valid_for_another_reason_fails(groups: Groups) -> None:
    prepare(groups, GONE)
    fault(groups.aws, UNTAG, "error", code="ValidationError", message="no such luck", times=None)
    result = converge({**GONE, "propagate": False})
    assert "no such luck" in result["msg"]
    assert counted(groups.aws)[UNTAG] == 1


def test_no_credentials(groups: Groups, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    assert_nothing_written(converge(ENTRY), groups.aws, "no usable AWS credentials")
