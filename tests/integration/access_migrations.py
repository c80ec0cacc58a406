# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A cluster that moves from aws-auth to access entries: who is in it, the steps, and who gets in with what rights.

As a program it takes the steps in child processes, each of which ends itself hard after a write. Each line it reads
is JSON with ``cluster``, ``mode`` and ``write``, the number of that write; each it writes is the exit code: KILLED,
or 0 where there were fewer writes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any
from unittest.mock import patch

import yaml
from ansible_collections.ekspress.eks.plugins.module_utils import _access_entries, _access_migration
from ansible_collections.ekspress.eks.plugins.module_utils._access_entries_model import (
    API,
    BOTH,
    CONFIG_MAP,
    DEFAULT_OWNER,
)
from ansible_collections.ekspress.eks.plugins.module_utils._access_migration import BINDING, OWNER
from ansible_collections.ekspress.eks.plugins.module_utils._access_migration_identity import BRIDGE
from ansible_collections.ekspress.eks.plugins.module_utils._aws import READS
from ansible_collections.ekspress.eks.plugins.module_utils._kubernetes import Kubernetes
from ansible_collections.ekspress.eks.tests.support import run_logic
from botocore.endpoint import Endpoint

from sandbox.process import ROOT
from tests.doors import ACCOUNT, Doors

KILLED, FAILED = 9, 1
OWNERS = (OWNER, DEFAULT_OWNER)
"""Of entries that the move made: before and after they are handed over."""
SESSION = "{{SessionName}}"
CLUSTER_ADMIN = "AmazonEKSClusterAdminPolicy"
BACKUPS = "/api/v1/namespaces/kube-system/configmaps"
BINDINGS = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"
PODS = "/api/v1/namespaces/default/pods"
METRICS = "/metrics"
NODES = ["system:bootstrappers", "system:nodes"]


@dataclass(frozen=True)
class Rights:
    """What somebody is to the cluster, by aws-auth or by an access entry."""

    username: str
    groups: frozenset[str]
    admin: bool
    node: bool


class Town:
    """The people and nodes of one cluster; every name is of the test's own."""

    def __init__(self, doors: Doors, name: str) -> None:
        self.doors, self.name = doors, name
        self.admin = doors.role(f"{name}-admin", "/teams/")
        self.dev = doors.role(f"{name}-dev", "/teams/deep/")
        self.karpenter = doors.role(f"{name}-karpenter")
        self.user, self.user_keys = doors.user(f"{name}-ann", "/people/")
        self.team = f"{name}-team"
        self.node = doors.aws.client("eks").describe_nodegroup(clusterName=doors.cluster, nodegroupName="general")[
            "nodegroup"
        ]["nodeRole"]

    @property
    def roles(self) -> list[dict[str, Any]]:
        """What mapRoles has."""
        return [
            self.mapped(f"{self.name}-dev", "shadowed", ["shadowed"]),
            self.mapped(f"{self.name}-admin", f"admin:{SESSION}", ["system:masters", self.team]),
            self.mapped(f"{self.name}-DEV", f"dev:{{{{AccountID}}}}:{SESSION}", [self.team]),
            self.mapped(f"{self.name}-karpenter", "system:node:{{EC2PrivateDNSName}}", NODES),
            self.mapped(f"{self.name}-gone", "gone", ["system:masters"]),
            self.mapped(self.node.rpartition("/")[2], "system:node:{{EC2PrivateDNSName}}", NODES),
        ]

    @staticmethod
    def mapped(name: str, username: str, groups: list[str]) -> dict[str, Any]:
        """An entry of mapRoles."""
        return {"rolearn": f"arn:aws:iam::{ACCOUNT}:role/{name}", "username": username, "groups": groups}

    def found(self, **more: Any) -> None:
        """Have the cluster as it was before the move: aws-auth alone."""
        doors, eks = self.doors, self.doors.eks
        doors.mode(BOTH)
        for arn in eks.list_access_entries(clusterName=doors.cluster)["accessEntries"]:
            call = {"clusterName": doors.cluster, "principalArn": arn}
            if eks.describe_access_entry(**call)["accessEntry"]["tags"].get("ekspress.eks/owner") in OWNERS:
                eks.delete_access_entry(**call)
        doors.mode(CONFIG_MAP)
        users = [{"userarn": self.user, "username": "ann", "groups": [self.team]}]
        texts = {"mapRoles": self.roles, "mapUsers": users, **more}
        doors.aws_auth(**{key: yaml.safe_dump(value) for key, value in texts.items() if value is not None})
        with doors.admin() as kube:
            kube.request("DELETE", f"{BINDINGS}/{BINDING}")
            for backup in self.backups():
                kube.request("DELETE", f"{BACKUPS}/{backup}")

    def backups(self) -> list[str]:
        """Names of the backups of aws-auth."""
        with self.doors.admin() as kube:
            found = kube.get(f"{BACKUPS}?labelSelector=ekspress.eks/backup-of%3Daws-auth")["items"]
        return [item["metadata"]["name"] for item in found]

    def bridge(self) -> bool:
        """Whether the bridge is bound."""
        with self.doors.admin() as kube:
            return int(kube.request("GET", f"{BINDINGS}/{BINDING}")[0]) == 200

    def entries(self) -> dict[str, dict[str, Any]]:
        """The entries that there are, with the names of their policies."""
        eks, found = self.doors.eks, {}
        for arn in eks.list_access_entries(clusterName=self.doors.cluster)["accessEntries"]:
            call = {"clusterName": self.doors.cluster, "principalArn": arn}
            policies = eks.list_associated_access_policies(**call)["associatedAccessPolicies"]
            names = [item["policyArn"].rpartition("/")[2] for item in policies]
            found[arn] = {**eks.describe_access_entry(**call)["accessEntry"], "policies": names}
        return found

    def rights(self) -> dict[str, Rights | None]:
        """Who gets in with what rights, everybody by what counts for them: an entry, or else aws-auth."""
        entries = self.entries() if self.mode() != CONFIG_MAP else {}
        bridge = self.bridge()
        with self.doors.admin() as kube:
            data = kube.get(f"{BACKUPS}/aws-auth")["data"]
        mapped = {item["rolearn"].lower(): item for item in yaml.safe_load(data["mapRoles"])}
        mapped |= {item["userarn"].lower(): item for item in yaml.safe_load(data["mapUsers"])}
        found: dict[str, Rights | None] = {}
        for arn in (self.admin, self.dev, self.karpenter, self.node, self.user):
            key = arn.lower() if ":user/" in arn else f"{arn.partition('/')[0]}/{arn.rpartition('/')[2]}".lower()
            if arn in entries:
                found[arn] = self._by_entry(entries[arn], bridge)
            elif key in mapped and self.mode() != API:
                found[arn] = self._by_mapping(mapped[key])
            else:
                found[arn] = None
        return found

    @staticmethod
    def _by_entry(entry: dict[str, Any], bridge: bool) -> Rights:
        groups, node = frozenset(entry["kubernetesGroups"]), entry["type"] != "STANDARD"
        admin = CLUSTER_ADMIN in entry["policies"] or (bridge and BRIDGE in groups)
        return Rights(entry["username"], frozenset() if node else groups - {BRIDGE}, admin, node)

    @staticmethod
    def _by_mapping(item: dict[str, Any]) -> Rights:
        groups, node = frozenset(item["groups"]), "system:nodes" in item["groups"]
        username = item["username"].replace("{{AccountID}}", ACCOUNT)
        return Rights(username, frozenset() if node else groups - {"system:masters"}, "system:masters" in groups, node)

    def at_the_door(self) -> dict[str, tuple[str, int, int]]:
        """What an administrator and a developer are to the API server by new tokens: username, and what they may do."""
        found = {}
        for arn in (self.admin, self.dev):
            keys = self.doors.session(arn)
            who = self.doors.who(keys)
            statuses = [self.doors.status(keys, "GET", path) for path in (METRICS, PODS)]
            found[arn] = (who.username if who else "", statuses[0], statuses[1])
        return found

    def everybody_gets_in(self) -> bool:
        """Whether both are let in by their names, the administrator for everything, the developer for pods alone."""
        return self.at_the_door() == {
            self.admin: ("admin:alice", 200, 200),
            self.dev: (f"dev:{ACCOUNT}:alice", 403, 200),
        }

    def mode(self) -> str:
        """The cluster's authentication mode."""
        shown: str = self.doors.eks.describe_cluster(name=self.doors.cluster)["cluster"]["accessConfig"][
            "authenticationMode"
        ]
        return shown


def migrate(cluster: str, state: str = "planned", *, check: bool = False, **more: Any) -> dict[str, Any]:
    """Run access_migration."""
    return run_logic(_access_migration.LOGIC, {"cluster": cluster, "state": state, **more}, check=check, diff=True)


def entries(cluster: str, **more: Any) -> dict[str, Any]:
    """Run access_entries as the playbook does."""
    return run_logic(_access_entries.LOGIC, {"cluster": cluster, **more})


def move(cluster: str, mode: str = BOTH, reviews: int = 1) -> None:
    """The steps of the playbook. Raises AssertionError where one fails."""

    def done(result: dict[str, Any]) -> dict[str, Any]:
        assert not result.get("failed"), result["msg"]
        return result

    planned = done(migrate(cluster))
    assert not planned["refused"], planned["refused"]
    if planned["authentication_mode"] == API:
        done(migrate(cluster, "handed_over"))
        return
    done(migrate(cluster, "prepared"))
    if planned["authentication_mode"] == CONFIG_MAP:
        done(entries(cluster, authentication_mode=BOTH))
        planned = done(migrate(cluster))
    done(entries(cluster, owner=OWNER, entries=planned["first_entries"], authentication_mode=BOTH))
    proven = done(migrate(cluster, "proven", reviews=reviews))
    done(entries(cluster, owner=OWNER, entries=proven["entries"]))
    done(migrate(cluster, "finished"))
    if mode == API:
        done(entries(cluster, authentication_mode=API))
        done(migrate(cluster, "handed_over"))


@contextmanager
def killing() -> Iterator[Callable[[str, str, int], int]]:
    """Start this program; gives what takes the steps until a write, and returns the exit code."""
    with subprocess.Popen(
        [sys.executable, "-m", __name__], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin
        assert process.stdout
        streams = process.stdin, process.stdout

        def run(cluster: str, mode: str, write: int) -> int:
            print(json.dumps({"cluster": cluster, "mode": mode, "write": write}), file=streams[0], flush=True)
            return int(streams[1].readline())

        yield run


def killed_after(number: int, call: Callable[[], None]) -> int:
    """Run something in a child that is ended once its write of that number is answered; its exit code."""
    child = os.fork()
    if not child:
        made: list[str] = []
        real_aws: Any = Endpoint.make_request
        real_kubernetes: Any = Kubernetes.request

        def note(what: str) -> None:
            made.append(what)
            if len(made) == number:
                os._exit(KILLED)

        def make_request(self: Any, operation_model: Any, *arguments: Any) -> Any:
            answer = real_aws(self, operation_model, *arguments)
            if not READS.match(operation_model.name):
                note(operation_model.name)
            return answer

        def request(self: Any, method: str, path: str, **more: Any) -> Any:
            answer = real_kubernetes(self, method, path, **more)
            if method != "GET" and not more.get("virtual"):
                note(f"{method} {path}")
            return answer

        code = FAILED
        with patch.object(Endpoint, "make_request", make_request), patch.object(Kubernetes, "request", request):
            try:
                call()
                code = 0
            except AssertionError:
                traceback.print_exc()
            finally:
                sys.stderr.flush()
                os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def main() -> None:
    """Serve the lines."""
    for line in sys.stdin:
        asked = json.loads(line)
        print(killed_after(asked["write"], partial(move, asked["cluster"], asked["mode"])), flush=True)


if __name__ == "__main__":
    main()
