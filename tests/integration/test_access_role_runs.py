# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Runs of the role access by people whom the real authenticator lets in, on a cluster that reads both ways."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.doors import Doors, Keys, known
from tests.e2e.playbook import Run, inventory, run
from tests.support import wait_until

MASTERS = "system:masters"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
PLAY = [{"hosts": "eks", "gather_facts": False, "roles": ["ekspress.eks.access"]}]
PART = "ekspress.eks.access : "
RIGHTS, AGAIN = f"{PART}Converge the rights of groups", f"{PART}Converge the rights of groups again"
COMPLETED, ENTRIES = f"{PART}Complete the access entries of administrators", f"{PART}Converge the access entries"
AWS_AUTH, TAKEN = f"{PART}Converge aws-auth", f"{PART}Take from groups that are not listed what they had"


@dataclass
class Town:
    """An operator whom somebody else's entry of aws-auth lets in, a developer, and two groups that only read."""

    doors: Doors
    directory: Path
    tag: str = field(default_factory=lambda: f"x{uuid.uuid4().hex[:10]}")

    def __post_init__(self) -> None:
        self.operator, self.developer = (self.doors.role(f"{self.tag}-{name}") for name in ("operator", "developer"))
        self.stays, self.goes = (f"{self.tag}-{name}" for name in ("stays", "goes"))
        mapped = {"rolearn": self.operator, "username": "operator:{{SessionName}}", "groups": [MASTERS]}
        self.doors.aws_auth(mapRoles=yaml.safe_dump([mapped]))
        self.doors.await_role(self.operator, known("operator:alice", MASTERS))

    def people(self, *arns: str) -> list[dict[str, Any]]:
        """What an inventory says of them."""
        groups = {self.operator: [MASTERS], self.developer: [self.stays, self.goes]}
        names = {self.operator: "operator:{{SessionName}}", self.developer: "developer:{{SessionName}}"}
        return [{"role": arn, "username": names[arn], "groups": groups[arn]} for arn in arns]

    def converge(self, keys: Keys, *arguments: str, groups: tuple[str, ...] = (), **variables: Any) -> Run:
        """Run the role with somebody's keys."""
        play = self.directory / "play.yml"
        play.write_text(yaml.safe_dump(PLAY), encoding="utf-8")
        listed = [{"name": name, "cluster_roles": ["view"], "namespaces": ["default"]} for name in groups]
        return run(
            self.doors.sandbox.environment,
            inventory(self.directory, self.doors.cluster),
            "-e",
            json.dumps({"access_groups": listed, **variables}),
            *arguments,
            playbook=str(play),
            AWS_ACCESS_KEY_ID=keys["access_key"],
            AWS_SECRET_ACCESS_KEY=keys["secret_key"],
            AWS_SESSION_TOKEN=keys["session_token"],
        )

    def bound(self) -> set[str]:
        """Which of the groups have their rights."""
        with self.doors.admin() as kube:
            found = kube.get(f"{RBAC}/namespaces/default/rolebindings")["items"]
        return {item["subjects"][0]["name"] for item in found} & {self.stays, self.goes}

    def owner(self, arn: str) -> str:
        """For whom an access entry was made."""
        call = {"clusterName": self.doors.cluster, "principalArn": arn}
        return str(self.doors.eks.describe_access_entry(**call)["accessEntry"]["tags"]["ekspress.eks/owner"])

    def entries(self) -> set[str]:
        """Who of them has an access entry."""
        found = self.doors.eks.list_access_entries(clusterName=self.doors.cluster)["accessEntries"]
        return set(found) & {self.operator, self.developer}


@pytest.fixture
def town(doors: Doors, tmp_path: Path) -> Town:
    """All of them before the first run."""
    return Town(doors, tmp_path)


def test_a_run_that_was_ended_within_the_entry_of_its_own_administrator_is_healed(town: Town) -> None:
    """Its entry is there and the policy is not: it takes the place of aws-auth, and gives nothing."""
    doors = town.doors
    doors.access_entry(
        town.operator, username="operator:{{SessionName}}", tags={"ekspress.eks/owner": "access_entries"}
    )
    doors.await_role(town.operator, known("operator:alice"))
    keys = doors.session(town.operator)
    wait_until(lambda: doors.status(keys, "GET", f"{RBAC}/clusterroles") == 403)
    wanted: dict[str, Any] = {"groups": (town.stays,), "access_people": town.people(town.operator, town.developer)}

    planned = town.converge(keys, "--check", **wanted)
    assert planned.changed(doors.cluster) == [COMPLETED]
    assert "refused" in planned.failure(doors.cluster)
    assert doors.status(keys, "GET", f"{RBAC}/clusterroles") == 403

    done = town.converge(keys, **wanted)
    assert done.code == 0, done.output
    assert done.changed(doors.cluster) == [COMPLETED, AGAIN, ENTRIES]
    wait_until(lambda: doors.status(keys, "GET", f"{RBAC}/clusterroles") == 200)
    assert town.bound() == {town.stays}
    assert town.converge(keys, **wanted).changed(doors.cluster) == []


def test_who_is_no_administrator_is_told_what_rbac_says_and_gets_nothing(town: Town) -> None:
    """The entries of administrators are as they are listed, so that the failure is the one of the rights."""
    doors = town.doors
    wanted: dict[str, Any] = {"groups": (town.stays,), "access_people": town.people(town.operator, town.developer)}
    assert town.converge(doors.session(town.operator), **wanted).code == 0
    doors.await_role(town.developer, known("developer:alice", town.stays, town.goes))
    refused = town.converge(doors.session(town.developer), **{**wanted, "groups": (town.stays, town.goes)})
    assert refused.code != 0
    assert [task.name for task in refused.tasks if task.result.get("failed")] == [RIGHTS, AGAIN]
    assert "Give this identity the permission" in refused.failure(doors.cluster)
    assert refused.changed(doors.cluster) == []
    assert town.bound() == {town.stays}


def test_groups_keep_their_rights_where_a_purge_is_refused_and_lose_them_last(town: Town) -> None:
    cluster, operator = town.doors.cluster, town.doors.session(town.operator)
    people = town.people(town.operator, town.developer)
    first = town.converge(operator, groups=(town.stays, town.goes), access_people=people)
    assert first.changed(cluster) == [RIGHTS, ENTRIES], first.output
    gone = town.converge(operator, groups=(town.stays,), access_people=town.people(town.developer), access_purge=True)
    assert "it is the entry by which this task itself has access" in gone.failure(cluster)
    assert town.bound() == {town.stays, town.goes}
    assert town.entries() == {town.operator, town.developer}

    done = town.converge(operator, groups=(town.stays,), access_people=town.people(town.operator), access_purge=True)
    assert done.code == 0, done.output
    assert done.changed(cluster) == [ENTRIES, TAKEN]
    assert town.bound() == {town.stays}
    assert town.entries() == {town.operator}


def test_two_inventories_of_one_cluster_purge_their_own_entries_alone(town: Town) -> None:
    """Rights of groups have no owner, and so are left alone; aws-auth has none either, and there it is refused."""
    cluster, operator = town.doors.cluster, town.doors.session(town.operator)
    ours: dict[str, Any] = {"groups": (town.stays,), "access_people": town.people(town.operator)}
    theirs: dict[str, Any] = {
        "groups": (town.goes,),
        "access_people": town.people(town.developer),
        "access_owner": "theirs",
        "access_purge": True,
    }
    assert town.converge(operator, **ours).code == 0
    done = town.converge(operator, **theirs)
    assert done.changed(cluster) == [RIGHTS, ENTRIES], done.output
    assert (town.owner(town.operator), town.owner(town.developer)) == ("access_entries", "theirs")
    assert town.bound() == {town.stays, town.goes}
    refused = town.converge(operator, **theirs, access_through="aws_auth")
    assert "does not note for whom an entry was made" in refused.failure(cluster)
    left = town.converge(operator, **{**theirs, "access_people": []})
    assert left.changed(cluster) == [ENTRIES], left.output
    assert town.entries() == {town.operator}
    assert town.bound() == {town.stays, town.goes}
