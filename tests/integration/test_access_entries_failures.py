# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""access_entries where AWS fails, answers late or is changed by another; and ended hard after any of its calls."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
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
    wanted = entry("a", groups=["g"], policies=[policy(VIEW), policy(EDIT)])
    aws.fault("AssociateAccessPolicy", "error", code="ServerException", message="no", status=400, nth=2)
    result = converge(wanted)
    assert result["entries"][0]["changes"] == ["create (STANDARD)", f"policy {EDIT} in the whole cluster"]
    assert done(wanted)["changes"] == [f"{role_arn('a')}: policy {VIEW} in the whole cluster"]
    assert not done(wanted)["changed"]


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
