# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""access_entries where AWS fails, answers late or is changed by another; and ended hard after any of its calls."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from unittest.mock import patch

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.ekspress.eks.plugins.module_utils._access_entries import LOGIC
from ansible_collections.ekspress.eks.plugins.module_utils._access_entries_api import Eks
from ansible_collections.ekspress.eks.plugins.module_utils._access_entries_plan import Write
from ansible_collections.ekspress.eks.plugins.module_utils._context import Context
from ansible_collections.ekspress.eks.plugins.module_utils._runner import execute
from ansible_collections.ekspress.eks.tests.integration.access_entries import (
    ADMIN,
    CREATOR,
    OWN,
    SESSION,
    VIEW,
    converge,
    done,
    entry,
    every,
    make_role,
    people,
    policy,
    refused,
    role_arn,
)
from ansible_collections.ekspress.eks.tests.integration.aws_killed import KILLED, killing
from ansible_collections.ekspress.eks.tests.integration.eks_clusters import counted, make_cluster
from ansible_collections.ekspress.eks.tests.support import FOR_EVER, in_hand, wait_until

from sandbox.aws.client import AwsServer

EDIT = "AmazonEKSEditPolicy"


@pytest.fixture(autouse=True)
def cluster(aws: AwsServer) -> None:
    """A cluster whose mode has entries, and the roles a, b and c."""
    for name in "abc":
        make_role(aws, name)
    make_cluster(aws, accessConfig={"authenticationMode": "API_AND_CONFIG_MAP"})


def test_one_that_fails_stops_no_other_but_removals(aws: AwsServer) -> None:
    done(entry("c"))
    aws.fault("CreateAccessEntry", "error", code="ResourceLimitExceededException", message="too many", times=1)
    aws.fault("CreateAccessEntry", "latency", seconds=0.2, nth=2)
    result = converge(entry("a"), entry("b"), purge=True)
    assert result["failed"]
    assert result["changed"]
    states = {item["principal"]: item["state"] for item in result["entries"]}
    assert sorted(states.values()) == ["created", "failed", "unchanged"]
    assert states[role_arn("c")] == "unchanged"
    assert "1 of 3 access entries failed" in result["msg"]
    assert "Service Quotas" in result["msg"]
    aws.clear_faults()
    assert len(done(entry("a"), entry("b"), purge=True)["changes"]) == 2
    assert set(people(aws)) == {role_arn("a"), role_arn("b")}


def test_one_that_fails_halfway_is_completed_by_the_next_run(aws: AwsServer) -> None:
    """In the mode API, in which it takes the place of nothing."""
    aws.cluster("blue", access_config={"authenticationMode": "API"})
    wanted = entry("a", groups=["g"], policies=[policy(VIEW), policy(EDIT)])
    aws.fault("AssociateAccessPolicy", "error", code="ServerException", message="no", status=400, nth=2)
    result = converge(wanted)
    assert result["entries"][0]["changes"] == ["create (STANDARD)", f"policy {EDIT} in the whole cluster"]
    assert done(wanted)["changes"] == [f"{role_arn('a')}: policy {VIEW} in the whole cluster"]
    assert not done(wanted)["changed"]


@pytest.mark.parametrize("name", [ADMIN, VIEW])
def test_a_new_entry_that_cannot_be_completed_is_deleted_again(aws: AwsServer, name: str) -> None:
    """It would count in the place of aws-auth, with fewer rights."""
    aws.fault("AssociateAccessPolicy", "deny", times=None)
    result = converge(entry("a", groups=["g"], policies=[policy(name)]), entry("b", groups=["g"]))
    assert result["failed"]
    assert "eks:AssociateAccessPolicy" in result["msg"]
    assert "The entry was deleted again, so that aws-auth counts for its principal as before" in result["msg"]
    assert set(people(aws)) == {role_arn("b")}
    assert result["entries"][0]["state"] == "failed"
    assert result["entries"][0]["changes"] == ["create (STANDARD)", "delete again"]
    assert set(result["diff"]["after"]) == {role_arn("b")}
    aws.clear_faults()
    assert done(entry("a", groups=["g"], policies=[policy(name)]))["entries"][0]["state"] == "created"


def test_of_new_administrators_one_at_most_is_between_two_calls(aws: AwsServer) -> None:
    """The caller's own comes last, and none after one that failed, though it is not deleted again either."""
    done(entry(CREATOR), state="absent", force=True)
    wanted = [entry(name, policies=[policy(ADMIN), policy(VIEW)]) for name in (CREATOR, "a", "b")]
    aws.fault("AssociateAccessPolicy", "deny", nth=3, times=None)
    aws.fault("DeleteAccessEntry", "deny", times=None)
    aws.clear_calls()
    result = converge(*wanted, entry("c", groups=["g"]))
    assert [item["state"] for item in result["entries"]] == ["failed", "created", "failed", "created"]
    assert f"it was not begun, as the entry of the administrator {role_arn('b')} failed" in result["msg"]
    assert f"aws eks delete-access-entry --cluster-name blue --principal-arn {role_arn('b')}" in result["msg"]
    assert "eks:DeleteAccessEntry" in result["msg"]
    assert set(people(aws)) == {role_arn(name) for name in "abc"}
    assert CREATOR not in every(aws)
    aws.clear_faults()
    assert len(done(*wanted, entry("c", groups=["g"]))["changes"]) == 5


def test_ended_between_two_calls_a_new_entry_is_deleted_again(aws: AwsServer) -> None:
    context, real = Context(), Eks.make

    def make(self: Eks, principal: str, write: Write) -> bool:
        answer = real(self, principal, write)
        context.cancelled.set()
        return answer

    params = ArgumentSpecValidator(LOGIC.argument_spec()).validate(
        {"cluster": "blue", "entries": [entry("a", policies=[policy(ADMIN)])]}
    )
    with patch.object(Eks, "make", make):
        result = execute(LOGIC, params.validated_parameters, context)
    assert result["failed"]
    assert "the task was ended before" in result["msg"]
    assert "The entry was deleted again" in result["msg"]
    assert people(aws) == {}


def test_throttling(aws: AwsServer) -> None:
    for operation in ("DescribeAccessEntry", "CreateAccessEntry", "AssociateAccessPolicy"):
        aws.fault(operation, "throttle", times=2)
    assert done(entry("a", policies=[policy(VIEW)]))["changed"]
    assert not done(entry("a", policies=[policy(VIEW)]))["changed"]


@pytest.mark.parametrize(
    ("operation", "code", "message"),
    [
        ("CreateAccessEntry", "InvalidParameterException", "The specified principalArn is invalid: invalid principal."),
        ("AssociateAccessPolicy", "ResourceNotFoundException", "The specified principalArn could not be found."),
    ],
)
def test_aws_sees_late_what_was_made(aws: AwsServer, operation: str, code: str, message: str) -> None:
    aws.fault(operation, "error", code=code, message=message, times=2)
    assert done(entry("a", policies=[policy(VIEW)]))["changed"]
    assert people(aws)[role_arn("a")]["policies"] == {VIEW: []}


@pytest.mark.parametrize("operation", ["CreateAccessEntry", "AssociateAccessPolicy", "DeleteAccessEntry"])
def test_a_lost_answer(aws: AwsServer, operation: str) -> None:
    done(entry("b"))
    aws.fault(operation, "drop_connection", times=1)
    done(entry("a", groups=["g"], policies=[policy(VIEW)]), purge=True)
    assert set(people(aws)) == {role_arn("a")}
    assert people(aws)[role_arn("a")]["policies"] == {VIEW: []}


def test_a_lost_answer_to_an_entry_that_is_made_anew(aws: AwsServer) -> None:
    done(entry("a", groups=["g"], policies=[policy(VIEW)]))
    aws.client("iam").delete_role(RoleName="a")
    make_role(aws, "a")
    aws.fault("CreateAccessEntry", "drop_connection", times=1)
    done(entry("a", groups=["g"], policies=[policy(VIEW)], recreate=True))
    assert people(aws)[role_arn("a")]["policies"] == {VIEW: []}


@pytest.mark.parametrize("theirs", [{}, {"kubernetesGroups": ["g"]}, {"kubernetesGroups": ["more"]}])
def test_an_entry_that_another_made_meanwhile(aws: AwsServer, theirs: dict[str, Any]) -> None:
    """It is made as wanted, unless that would take something away that the other gave."""
    aws.fault("CreateAccessEntry", "latency", seconds=FOR_EVER, times=1)
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(converge, entry("a", groups=["g"], policies=[policy(VIEW)]))
        wait_until(lambda: in_hand(aws, "CreateAccessEntry"), "the call")
        aws.client("eks").create_access_entry(clusterName="blue", principalArn=role_arn("a"), **theirs)
        aws.clear_faults()
        result = running.result()
    if theirs == {"kubernetesGroups": ["more"]}:
        assert result["failed"]
        assert "Another made it meanwhile, with other rights" in result["msg"]
        assert people(aws)[role_arn("a")]["groups"] == ["more"]
    else:
        assert not result.get("failed"), result["msg"]
        assert (people(aws)[role_arn("a")]["groups"], people(aws)[role_arn("a")]["policies"]) == (["g"], {VIEW: []})
        assert people(aws)[role_arn("a")]["tags"] == {}


def test_without_the_right_to_list(aws: AwsServer) -> None:
    aws.fault("ListAccessEntries", "deny", times=None)
    message = refused(entry("a"))
    assert "eks:ListAccessEntries" in message
    assert "add the action to its policy" in message


@pytest.fixture
def kill(aws: AwsServer) -> Iterator[Callable[[dict[str, Any], int], int]]:
    """Runs the module and ends it after a call; gives its exit code."""
    with killing("access_entries") as run:
        yield lambda options, call: run({"cluster": "blue", **options}, call)


def _first() -> list[dict[str, Any]]:
    return [
        entry("a", groups=["g", "h"], policies=[policy(ADMIN)]),
        entry("b", username=f"dev:{SESSION}", policies=[policy(VIEW, "x")]),
    ]


def _then() -> list[dict[str, Any]]:
    return [
        entry("a", groups=["h", "i"], policies=[policy(ADMIN), policy(EDIT)], tags={"k": "v"}),
        entry("c", policies=[policy(VIEW)]),
    ]


def test_ended_after_any_call_a_second_run_completes(
    aws: AwsServer, kill: Callable[[dict[str, Any], int], int]
) -> None:
    options = {"entries": _then(), "purge": True}
    done(*_first())
    done(**options)
    whole, ended = every(aws), 0
    for call in range(1, 60):
        done(*_first(), purge=True)
        code = kill(options, call)
        if code == 0:
            break
        assert code == KILLED
        ended += 1
        seen = every(aws)
        # Administrators stay so, and who loses its entry has it until those that come are whole.
        assert ADMIN in seen[role_arn("a")]["policies"]
        assert {CREATOR, OWN, role_arn("a")} <= set(seen)
        assert role_arn("b") in seen or whole[role_arn("c")] == seen[role_arn("c")]
        done(**options)
        assert every(aws) == whole
    else:
        raise AssertionError("the run has no end")
    assert ended == sum(counted_once(aws, options).values())


def counted_once(aws: AwsServer, options: dict[str, Any]) -> dict[str, int]:
    """The calls of one run from the first state."""
    done(*_first(), purge=True)
    aws.clear_calls()
    done(**options)
    return counted(aws)


def test_a_new_administrator_ended_after_any_call_is_completed_by_the_next_run(
    aws: AwsServer, kill: Callable[[dict[str, Any], int], int]
) -> None:
    wanted, bare = entry("a", policies=[policy(ADMIN)]), 0
    for call in range(1, 20):
        code = kill({"entries": [wanted]}, call)
        if code == 0:
            break
        assert code == KILLED
        bare += people(aws).get(role_arn("a"), {"policies": ADMIN})["policies"] == {}
        done(wanted)
        assert people(aws)[role_arn("a")]["policies"] == {ADMIN: []}
        done(purge=True)
    else:
        raise AssertionError("the run has no end")
    assert bare == 1
