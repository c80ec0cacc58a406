# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Options of autoscaling_groups: what is refused, and how the entries of one group become one."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.ekspress.eks.plugins.module_utils._autoscaling_groups_input import (
    argument_spec,
    wanted_groups,
)
from ansible_collections.ekspress.eks.plugins.module_utils._autoscaling_groups_plan import Hook, Wanted
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError

DRAIN = {"name": "drain", "transition": "terminating", "heartbeat_timeout": 300, "default_result": "CONTINUE"}
MADE = Hook("terminating", 300, "CONTINUE")


def wanted(*entries: dict[str, Any]) -> list[Wanted]:
    given = [{"name": "nodes", **entry} for entry in entries]
    validated = ArgumentSpecValidator(argument_spec()).validate({"groups": given})
    assert validated.error_messages == []
    return wanted_groups(validated.validated_parameters["groups"])


def refused(*entries: dict[str, Any]) -> str:
    with pytest.raises(EksError) as caught:
        wanted(*entries)
    return caught.value.message


def test_nothing_is_asked_of_no_group() -> None:
    assert wanted_groups([]) == []


def test_one_entry() -> None:
    assert wanted({"tags": {"team": "a", "cost": 4711, "empty": None}, "lifecycle_hooks": [DRAIN]}) == [
        Wanted("nodes", True, {"team": "a", "cost": "4711", "empty": ""}, hooks={"drain": MADE})
    ]
    removal = wanted({"state": "absent", "tags": {"team": "a"}, "propagate": True, "lifecycle_hooks": [DRAIN]})
    (item,) = removal
    assert item == Wanted(
        "nodes", removed={"team": "a"}, untagged=frozenset({"team"}), removed_hooks=frozenset({"drain"})
    )
    assert (item.reads_hooks, item.reads_instances) == (True, True)


def test_defaults_are_those_of_aws_and_only_names_count_for_removal() -> None:
    (made,) = wanted({"lifecycle_hooks": [{"name": "drain", "transition": "launching"}]})
    assert made.hooks == {"drain": Hook("launching", 3600, "ABANDON")}
    (gone,) = wanted({"state": "absent", "lifecycle_hooks": [{"name": "drain"}]})
    assert gone.removed_hooks == {"drain"}


def test_entries_of_a_group_count_together() -> None:
    merged = wanted(
        {"tags": {"team": "a"}, "purge_tag_prefixes": ["b/", "a/"]},
        {"name": "other", "required_tags": {"aws:cloudformation:stack-name": "x"}},
        {"tags": {"team": "a", "cost": "1"}, "propagate": True, "lifecycle_hooks": [DRAIN]},
        {"state": "absent", "tags": {"old": "1"}, "lifecycle_hooks": [{"name": "old"}]},
        {"required_tags": {"team": "a", "eks": "1"}, "lifecycle_hooks": [DRAIN], "purge_tag_prefixes": ["a/"]},
    )
    assert merged == [
        Wanted(
            name="nodes",
            present=True,
            tags={"team": "a", "cost": "1"},
            propagated=frozenset({"team", "cost"}),
            required={"team": "a", "eks": "1"},
            hooks={"drain": MADE},
            purged=("a/", "b/"),
            removed={"old": "1"},
            removed_hooks=frozenset({"old"}),
        ),
        Wanted("other", True, required={"aws:cloudformation:stack-name": "x"}),
    ]


def test_a_removal_looks_at_neither_required_tags_nor_prefixes() -> None:
    (item,) = wanted({"state": "absent", "required_tags": {"team": "a"}, "purge_tag_prefixes": ["a/"]})
    assert item == Wanted("nodes")


@pytest.mark.parametrize(
    ("entries", "texts"),
    [
        (
            [{"tags": {"team": "a"}}, {}, {"tags": {"team": "b"}}],
            ["tag 'team'", "'nodes'", "groups[0] wants it to be 'a'", "groups[2] wants it to be 'b'"],
        ),
        (
            [{"tags": {"team": "a"}}, {"state": "absent", "tags": {"team": "a"}}],
            ["groups[0] wants it to be 'a'", "groups[1] removes it where it is 'a'"],
        ),
        (
            [{"state": "absent", "tags": {"team": "a"}}, {"state": "absent", "tags": {"team": "b"}}],
            ["groups[0] removes it where it is 'a'", "groups[1] removes it where it is 'b'"],
        ),
        (
            [{"required_tags": {"team": "a"}}, {"state": "absent", "tags": {"team": "a"}}],
            ["groups[0] wants it to be 'a'", "groups[1] removes it"],
        ),
        ([{"tags": {"team": "a"}, "required_tags": {"team": "b"}}], ["groups[0] wants it to be 'b'"]),
        (
            [{"lifecycle_hooks": [DRAIN]}, {"lifecycle_hooks": [{**DRAIN, "heartbeat_timeout": 60}]}],
            [
                "lifecycle hook 'drain'",
                "groups[0] wants it terminating, 300 s, CONTINUE",
                "groups[1] wants it terminating, 60 s",
            ],
        ),
        (
            [{"state": "absent", "lifecycle_hooks": [DRAIN]}, {"lifecycle_hooks": [DRAIN]}],
            ["groups[0] removes it", "groups[1] wants it terminating"],
        ),
    ],
)
def test_entries_that_contradict_each_other_are_named(entries: list[dict[str, Any]], texts: list[str]) -> None:
    message = refused(*entries)
    for text in [*texts, "nothing was changed"]:
        assert text in message


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        ({"name": ""}, "groups[0]: '' is not the name of an EC2 Auto Scaling group"),
        ({"name": "n" * 256}, "which has 1 to 255 characters"),
        ({"tags": {"k": True}}, "groups[0] (nodes), tags, 'k': the value is True; tags have texts as values, so quote"),
        ({"tags": {"k": ["a"]}}, "so quote it"),
        ({"required_tags": {"k": False}}, "groups[0] (nodes), required_tags, 'k': the value is False"),
        ({"tags": {"": "a"}}, "a key has 1 to 128 characters"),
        ({"tags": {"k" * 129: "a"}}, "a key has 1 to 128 characters"),
        ({"tags": {"k" * 128: "a"}, "propagate": True}, "a key has 1 to 128 characters (127 on instances)"),
        ({"tags": {"k": "v" * 257}}, "a value has at most 256 characters"),
        ({"tags": {"aws:k": "a"}}, "start with aws: are AWS's own"),
        ({"tags": {"k": "AWS:a"}}, "start with aws: are AWS's own"),
        ({"state": "absent", "tags": {"aws:k": "a"}}, "start with aws: are AWS's own"),
        ({"lifecycle_hooks": [{**DRAIN, "name": "a b"}]}, "lifecycle_hooks, 'a b': a name has 1 to 255 letters"),
        ({"lifecycle_hooks": [{**DRAIN, "name": "h" * 256}]}, "a name has 1 to 255 letters"),
        ({"state": "absent", "lifecycle_hooks": [{"name": ""}]}, "a name has 1 to 255 letters"),
        ({"lifecycle_hooks": [{"name": "drain"}]}, "transition is missing; give terminating or launching"),
        ({"lifecycle_hooks": [{**DRAIN, "heartbeat_timeout": 29}]}, "heartbeat_timeout is 29; it is 30 to 7200"),
        ({"lifecycle_hooks": [{**DRAIN, "heartbeat_timeout": 7201}]}, "heartbeat_timeout is 7201"),
        ({"purge_tag_prefixes": [""]}, "everybody's tags start so"),
        ({"purge_tag_prefixes": ["aws:"]}, "AWS's own tags start so"),
    ],
)
def test_what_aws_would_refuse_is_refused_before_any_call(entry: dict[str, Any], text: str) -> None:
    assert text in refused(entry)
    assert "othing was changed" in refused(entry)


def test_limits_reached_exactly() -> None:
    (item,) = wanted({"tags": {"k" * 128: "v" * 256}, "lifecycle_hooks": [{**DRAIN, "heartbeat_timeout": 7200}]})
    assert (len(item.tags), item.hooks["drain"].heartbeat_timeout) == (1, 7200)
    (item,) = wanted({"tags": {"k" * 127: ""}, "propagate": True})
    assert len(item.propagated) == 1
