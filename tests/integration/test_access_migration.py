# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The move from aws-auth to access entries on a real API server with the real authenticator."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.ekspress.eks.plugins.module_utils._access_entries_model import (
    API,
    BOTH,
    CONFIG_MAP,
    DEFAULT_OWNER,
)
from ansible_collections.ekspress.eks.plugins.module_utils._access_migration import OWNER
from ansible_collections.ekspress.eks.plugins.module_utils._access_migration_identity import BRIDGE

from tests.doors import ACCOUNT, CLUSTER, Doors, known
from tests.e2e.playbook import Run, inventory, run
from tests.integration.access_migrations import (
    CLUSTER_ADMIN,
    KILLED,
    METRICS,
    PODS,
    Town,
    entries,
    killing,
    migrate,
    move,
)
from tests.support import wait_until

TAG = "ekspress.eks/owner"


@pytest.fixture
def town(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> Iterator[Town]:
    """A cluster with people and nodes in aws-auth, before the move."""
    for name, value in doors.sandbox.environment.items():
        monkeypatch.setenv(name, value)
    made = Town(doors, f"x{uuid.uuid4().hex[:8]}")
    made.found()
    made.doors.bind(made.team, "default", ["list"], "pods")
    yield made
    made.found()


def test_the_plan(town: Town) -> None:
    planned = migrate(CLUSTER)
    assert not planned.get("failed"), planned
    assert (planned["changed"], planned["authentication_mode"], planned["refused"]) == (False, CONFIG_MAP, [])
    found = {entry["principal"]: entry for entry in planned["entries"]}
    assert found[town.admin] == {
        "principal": town.admin,
        "type": "STANDARD",
        "username": "admin:{{SessionName}}",
        "groups": [town.team],
        "policies": [{"policy": CLUSTER_ADMIN}],
    }
    assert found[town.dev]["username"] == f"dev:{ACCOUNT}:{{{{SessionName}}}}"
    assert found[town.user]["username"] == "ann"
    assert found[town.karpenter] == {"principal": town.karpenter, "type": "EC2_LINUX"}
    assert found[town.node] == {"principal": town.node, "type": "EC2_LINUX"}
    assert planned["gone"] == [f"arn:aws:iam::{ACCOUNT}:role/{town.name}-gone"]
    assert planned["duplicates"] == [f"arn:aws:iam::{ACCOUNT}:role/{town.name}-DEV"]
    first = {entry["principal"]: entry for entry in planned["first_entries"]}
    assert first == {**found, town.admin: {**found[town.admin], "groups": [town.team, BRIDGE]}}
    assert town.backups() == []


def test_the_whole_way_and_everybody_gets_in_as_before(town: Town) -> None:
    before, doors = town.rights(), town.doors
    admin, dev = known("admin:alice", "system:masters", town.team), known(f"dev:{ACCOUNT}:alice", town.team)
    doors.await_role(town.admin, admin)
    doors.await_role(town.dev, dev)
    move(CLUSTER)
    assert (town.mode(), town.rights()) == (BOTH, before)
    assert not town.bridge()
    assert all(BRIDGE not in entry["kubernetesGroups"] for entry in town.entries().values())
    assert len(town.backups()) == 1
    after = known("admin:alice", town.team)
    doors.await_role(town.admin, after)
    doors.await_role(town.dev, dev)
    sessions = {arn: doors.session(arn) for arn in (town.admin, town.dev)}
    # The authorizer's answers are remembered for some seconds.
    wait_until(lambda: doors.status(sessions[town.admin], "GET", METRICS) == 200)
    wait_until(lambda: doors.status(sessions[town.dev], "GET", METRICS) == 403)
    assert [doors.status(keys, "GET", PODS) for keys in sessions.values()] == [200, 200]
    doors.aws.clear_calls()
    move(CLUSTER)
    assert doors.aws.calls(writes=True, service="eks") == []
    assert len(town.backups()) == 1
    made = {arn for arn, entry in town.entries().items() if entry["tags"].get(TAG) == OWNER}
    assert made == {town.admin, town.dev, town.karpenter, town.user}
    move(CLUSTER, API)
    assert (town.mode(), town.rights()) == (API, before)
    assert {arn for arn, entry in town.entries().items() if entry["tags"].get(TAG) == DEFAULT_OWNER} == made
    doors.aws_auth()
    doors.await_role(town.dev, dev)
    doors.await_role(town.admin, after)
    move(CLUSTER, API)


def test_the_proof_says_what_differs(town: Town) -> None:
    planned = migrate(CLUSTER)
    assert "there is no access entry yet" in migrate(CLUSTER, "proven")["msg"]
    migrate(CLUSTER, "prepared")
    wanted = [dict(entry) for entry in planned["first_entries"]]
    for entry in wanted:
        if entry["principal"] == town.dev:
            entry["groups"] = []
        if entry["principal"] == town.admin:
            entry["policies"] = []
    made = entries(CLUSTER, owner=OWNER, entries=wanted, authentication_mode=BOTH)
    assert not made.get("failed"), made
    result = migrate(CLUSTER, "proven")
    assert result["failed"]
    found = result["proof"]["differences"]
    assert f"{town.dev} (session ekspress-proof): list pods in default is allowed by aws-auth and not" in " ".join(
        found
    )
    assert any(text.startswith(f"{town.admin} ") and "get /metrics" in text for text in found)
    assert not any(text.startswith(town.user) for text in found)
    trusting = migrate(CLUSTER, "proven", trust_policy=True)["proof"]["differences"]
    assert {text.partition(" ")[0] for text in trusting} == {town.dev}
    refused = migrate(CLUSTER, "finished")
    assert f"{town.admin} still has the group {BRIDGE}" in refused["msg"]


def test_the_proof_asks_for_the_sessions_that_bindings_name(town: Town) -> None:
    move(CLUSTER)
    proof = migrate(CLUSTER, "proven", reviews=500)["proof"]
    assert proof["differences"] == []
    assert proof["people"] == 3
    assert proof["reviews"] > 50
    few = migrate(CLUSTER, "proven", reviews=1)
    assert few["proof"]["left_out"] > 0
    assert (
        f"{few['proof']['left_out']} of the things that the cluster's RBAC allows were not asked" in few["warnings"][0]
    )


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"mapAccounts": ["111122223333"]}, "mapAccounts lets every role and user"),
        ({"mapRoles": [Town.mapped(f"{CLUSTER}-node", "system:x", [])]}, "begins with system:"),
    ],
)
def test_refused_before_anything_is_changed(town: Town, change: dict[str, Any], reason: str) -> None:
    town.found(**change)
    assert reason in migrate(CLUSTER)["refused"][0]
    result = migrate(CLUSTER, "prepared")
    assert result["failed"]
    assert reason in result["msg"]
    assert (town.backups(), town.bridge(), town.mode()) == ([], False, CONFIG_MAP)


@pytest.mark.parametrize("ours", [True, False])
def test_a_dead_entry_does_not_count(town: Town, ours: bool) -> None:
    doors, name = town.doors, town.dev.rpartition("/")[2]
    doors.mode(BOTH)
    doors.access_entry(town.dev, tags={"ekspress.eks/owner": OWNER} if ours else {})
    assert (town.dev in migrate(CLUSTER)["already"]) is not ours
    iam = doors.aws.client("iam")
    iam.delete_role(RoleName=name)
    assert doors.role(name, "/teams/deep/") == town.dev
    planned = migrate(CLUSTER)
    assert town.dev not in planned["already"]
    assert town.dev not in [entry["principal"] for entry in planned["entries"]]
    (reason,) = planned["refused"]
    assert f"role/{town.name}-DEV: its entry is dead" in reason
    assert "recreate: true" in reason
    assert reason in migrate(CLUSTER, "prepared")["msg"]
    doors.eks.delete_access_entry(clusterName=CLUSTER, principalArn=town.dev)
    assert town.dev in [entry["principal"] for entry in migrate(CLUSTER)["entries"]]


def test_of_two_entries_of_a_name_the_one_that_counts_is_seen(town: Town) -> None:
    """The role was made anew on another path: aws-auth knows both by one ARN."""
    doors, name = town.doors, town.dev.rpartition("/")[2]
    doors.mode(BOTH)
    iam = doors.aws.client("iam")
    for path in ("/zz/", "/aa/"):
        doors.access_entry(town.dev)
        iam.delete_role(RoleName=name)
        former, town.dev = town.dev, doors.role(name, path)
        assert "its entry is dead" in migrate(CLUSTER)["refused"][0]
        doors.access_entry(town.dev)
        planned = migrate(CLUSTER)
        assert (town.dev in planned["already"], planned["refused"]) == (True, [])
        for arn in (former, town.dev):
            doors.eks.delete_access_entry(clusterName=CLUSTER, principalArn=arn)


def test_aws_auth_that_cannot_be_read(town: Town) -> None:
    town.doors.aws_auth(mapRoles="- rolearn: [")
    result = migrate(CLUSTER)
    assert result["failed"]
    assert "mapRoles of the ConfigMap kube-system/aws-auth, line" in result["msg"]


def test_the_way_back(town: Town) -> None:
    before = town.rights()
    move(CLUSTER)
    planned = migrate(CLUSTER)
    assert planned["against_undo"] == []
    early = migrate(CLUSTER, "handed_over")
    assert early["failed"]
    assert "the way back goes by the owner of the entries; nothing was changed" in early["msg"]
    assert {item["principal"] for item in planned["made"]} == {town.admin, town.dev, town.karpenter, town.user}
    done = entries(CLUSTER, owner=OWNER, entries=planned["made"], state="absent", force=True)
    assert not done.get("failed"), done
    assert town.rights() == before
    assert migrate(CLUSTER)["made"] == []
    town.doors.await_role(town.dev, known(f"dev:{ACCOUNT}:alice", town.team))
    town.doors.await_role(town.admin, known("admin:alice", "system:masters", town.team))


def test_a_way_back_that_would_lose_somebody(town: Town) -> None:
    move(CLUSTER)
    town.doors.aws_auth(mapRoles=yaml.safe_dump(town.roles[:3]))
    reasons = migrate(CLUSTER)["against_undo"]
    assert {text.partition(": ")[0] for text in reasons} == {town.karpenter, town.user}
    move_to_api = entries(CLUSTER, authentication_mode=API)
    assert not move_to_api.get("failed"), move_to_api
    assert "aws-auth is not read" in migrate(CLUSTER)["against_undo"][0]


def test_in_check_mode_nothing_is_written(town: Town) -> None:
    with town.doors.admin() as kube:
        before = kube.get("/api/v1/namespaces/kube-system/configmaps/aws-auth")["metadata"]["resourceVersion"]
    result = migrate(CLUSTER, "prepared", check=True)
    assert not result.get("failed"), result
    assert result["changed"]
    assert (town.backups(), town.bridge()) == ([], False)
    with town.doors.admin() as kube:
        after = kube.get("/api/v1/namespaces/kube-system/configmaps/aws-auth")["metadata"]["resourceVersion"]
    assert before == after


def test_ended_after_each_write_everybody_is_as_before_and_a_second_run_completes(town: Town) -> None:
    before, ended = town.rights(), 0
    with killing() as kill:
        for number in range(1, 60):
            town.found()
            code = kill(CLUSTER, API, number)
            if code == 0:
                break
            assert code == KILLED
            ended += 1
            assert town.rights() == before, number
            # Nothing changes any more by itself, so that waiting hides no lock-out.
            wait_until(town.everybody_gets_in, f"everybody after write {number}")
            move(CLUSTER, API)
            assert (town.mode(), town.rights(), town.bridge()) == (API, before, False), number
            wait_until(town.everybody_gets_in, f"everybody after the run that completed write {number}")
            assert OWNER not in [entry["tags"].get(TAG) for entry in town.entries().values()], number
        else:
            raise AssertionError("the move has no end")
    # Backup, bridge, mode, four entries, a policy, the administrator's groups, the bridge, the mode, four owners.
    assert ended == 15


def playbook(town: Town, directory: Path, *arguments: str, **variables: str) -> Run:
    """Run the playbook on the cluster, with variables of the inventory."""
    hosts = inventory(directory, CLUSTER, **variables)
    return run(town.doors.sandbox.environment, hosts, *arguments, playbook="playbooks/migrate_access.yml")


def test_the_playbook_plans_moves_goes_back_and_on(town: Town, tmp_path: Path) -> None:
    before = town.rights()
    checked = playbook(town, tmp_path, "--check", "--diff")
    assert checked.code == 0, checked.problems()
    assert (town.mode(), town.backups(), town.bridge(), town.rights()) == (CONFIG_MAP, [], False, before)
    (told,) = [task.result["msg"] for task in checked.tasks if task.name == "Say who is moved, and who is not"]
    assert town.admin in [entry["principal"] for entry in told["entries"]]
    assert checked.changed(CLUSTER) == ["Keep aws-auth as it is, and have administrators bound", "Make the entries"]

    town.doors.aws.clear_calls()
    moved = playbook(town, tmp_path)
    assert moved.code == 0, moved.problems()
    assert (town.mode(), town.rights(), town.bridge()) == (BOTH, before, False)
    assert len(town.backups()) == 1
    writes = [call["operation"] for call in town.doors.aws.calls(writes=True, service="eks")]
    assert (writes[0], writes[-1]) == ("UpdateClusterConfig", "UpdateAccessEntry")
    assert sorted(writes[1:-1]) == ["AssociateAccessPolicy", *["CreateAccessEntry"] * 4]

    again = playbook(town, tmp_path)
    assert (again.code, again.changed(CLUSTER)) == (0, [])
    assert playbook(town, tmp_path, "--check").changed(CLUSTER) == []

    back = playbook(town, tmp_path, "-e", "migrate_access_undo=true")
    assert (back.code, back.changed(CLUSTER)) == (0, ["Remove the entries that the move made"])
    assert (town.mode(), town.rights()) == (BOTH, before)

    on = playbook(town, tmp_path, migrate_access_mode="API")
    assert on.code == 0, on.problems()
    assert (town.mode(), town.rights()) == (API, before)
    handed = "Hand the entries over to everyday tasks, as there is no way back any more"
    assert on.changed(CLUSTER)[-1] == handed
    (told,) = [task.result["msg"] for task in on.tasks if task.name == "Say what was asked for, and how much was not"]
    assert told["people"] == 3
    assert playbook(town, tmp_path, "-e", "migrate_access_mode=API").changed(CLUSTER) == []
    call = {"resourceArn": town.entries()[town.dev]["accessEntryArn"], "tags": {TAG: OWNER}}
    town.doors.eks.tag_resource(**call)
    assert playbook(town, tmp_path, "--check").changed(CLUSTER) == [handed]
    assert town.entries()[town.dev]["tags"][TAG] == OWNER
    assert playbook(town, tmp_path).changed(CLUSTER) == [handed]
    assert town.entries()[town.dev]["tags"][TAG] == DEFAULT_OWNER
    refused = playbook(town, tmp_path, "-e", "migrate_access_undo=true")
    assert "AWS lets no cluster go back" in refused.failure(CLUSTER)


def test_the_playbook_refuses_what_would_lose_somebody(town: Town, tmp_path: Path) -> None:
    town.found(mapAccounts=["111122223333"])
    refused = playbook(town, tmp_path)
    assert "mapAccounts lets every role and user" in refused.failure(CLUSTER)
    assert (town.mode(), town.backups()) == (CONFIG_MAP, [])
    both = playbook(town, tmp_path, "-e", "migrate_access_undo=true", "-e", "migrate_access_mode=API")
    assert "there is no way back from API" in both.failure(CLUSTER)
