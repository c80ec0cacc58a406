# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Module access_migration: the steps of the move from aws-auth to access entries that are not EKS's own API."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils import _access_migration_proof as proofs
from ansible_collections.ekspress.eks.plugins.module_utils._access_entries_api import Eks
from ansible_collections.ekspress.eks.plugins.module_utils._access_entries_input import principal_faults
from ansible_collections.ekspress.eks.plugins.module_utils._access_entries_model import (
    API,
    CONFIG_MAP,
    DEFAULT_OWNER,
    STANDARD,
    Entry,
    identity,
)
from ansible_collections.ekspress.eks.plugins.module_utils._access_entries_model import OWNER as OWNER_TAG
from ansible_collections.ekspress.eks.plugins.module_utils._access_entries_plan import Write
from ansible_collections.ekspress.eks.plugins.module_utils._access_migration_identity import BRIDGE
from ansible_collections.ekspress.eks.plugins.module_utils._access_migration_plan import Facts, Migration, migration
from ansible_collections.ekspress.eks.plugins.module_utils._adapter import aws_options, cluster_options
from ansible_collections.ekspress.eks.plugins.module_utils._aws import Aws
from ansible_collections.ekspress.eks.plugins.module_utils._aws_auth_api import EKS, ConflictError, Document, data_of
from ansible_collections.ekspress.eks.plugins.module_utils._aws_auth_backup import Backups
from ansible_collections.ekspress.eks.plugins.module_utils._cluster import Cluster, describe, require_active
from ansible_collections.ekspress.eks.plugins.module_utils._context import Context, Logic
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError
from ansible_collections.ekspress.eks.plugins.module_utils._iam_directory import Directory
from ansible_collections.ekspress.eks.plugins.module_utils._kubernetes import connect
from ansible_collections.ekspress.eks.plugins.module_utils._parallel import gather

OWNER = "migrate_access"
BINDING = "ekspress-eks-access-migration"
REVIEWS = 120
STATES = ("planned", "prepared", "proven", "finished", "handed_over")


def argument_spec() -> dict[str, Any]:
    """The options of the module."""
    return {
        **aws_options(),
        **cluster_options(),
        # Given by the task only: a variable of the environment could mean another cluster.
        "kubeconfig": {"type": "raw", "no_log": True},
        "context": {"type": "str"},
        "state": {"type": "str", "choices": list(STATES), "default": "planned"},
        "owner": {"type": "str", "default": OWNER},
        "principals": {"type": "list", "elements": "str", "default": []},
        "reviews": {"type": "int", "default": REVIEWS},
        "trust_policy": {"type": "bool", "default": False},
    }


def run(params: dict[str, Any], context: Context) -> dict[str, Any]:
    """Take one step. Raises EksError."""
    if params["reviews"] < 1:
        raise EksError(f"reviews is {params['reviews']}; give 1 or more: without any nothing is proven.")
    aws = Aws(params, context)
    cluster = describe(aws, params["cluster"])
    for arn in params["principals"]:
        faults = list(principal_faults(arn, STANDARD, cluster.partition, cluster.account))
        if faults:
            raise EksError(f"principals: {arn}: {' '.join(faults)}")
    require_active(cluster)
    return Step(params, context, aws, cluster).run()


class Step:
    """One step on one cluster."""

    def __init__(self, params: dict[str, Any], context: Context, aws: Aws, cluster: Cluster) -> None:
        self._params = params
        self._context = context
        self._aws = aws
        self._cluster = cluster
        self._eks = Eks(aws, context, cluster)
        direct = {**params, "cluster": None} if params["kubeconfig"] else None
        self._kubernetes = connect(direct, None, context) if direct else connect(params, aws, context, cluster)
        self._document = Document(self._kubernetes, context, EKS)
        self._live: dict[str, Any] | None = None

    def run(self) -> dict[str, Any]:
        """Take it."""
        planned = self._plan()
        state = self._params["state"]
        result = {
            "changed": False,
            **self._shown(planned),
            "backup": "",
            "proof": {},
            "diff": {"before": {}, "after": {}},
        }
        if state in ("prepared", "proven") and planned.refused:
            raise EksError(
                f"{' '.join(map(str, planned.refused))} Nothing was changed. Correct that (aws-auth with "
                "ekspress.eks.aws_auth), and run again.",
                **result,
            )
        if state == "prepared":
            self._prepare(planned, result)
        elif state == "proven":
            self._prove(planned, result)
        elif state == "finished":
            self._finish(planned, result)
        elif state == "handed_over":
            self._hand_over(planned, result)
        return result

    def _plan(self) -> Migration:
        """What is to be moved; nothing in the mode API, in which aws-auth is not read."""
        directory, given = Directory(self._aws, self._cluster.account), self._given()

        def dead(entry: Entry) -> bool:
            # As Principals.dead, by the lists that the plan needs anyway.
            return directory.made_after(entry.principal, entry.created)

        entries = self._entries(dead) if self._cluster.authentication_mode != CONFIG_MAP else {}

        def find(arn: str) -> str | None:
            if arn.lower() in given:
                return given[arn.lower()]
            # Another account's path cannot be looked up; EKS refuses an entry whose path is wrong.
            return directory.find(arn) if directory.knows(arn) else arn

        api = self._cluster.authentication_mode == API
        self._live = None if api else self._document.read()
        node_types = {} if api else self._eks.node_roles
        facts = Facts(entries, node_types, find, self._params["owner"], dead)
        return Migration(facts=facts) if api else migration(data_of(self._live), facts)

    def _given(self) -> dict[str, str]:
        return {identity(arn): arn for arn in self._params["principals"]}

    def _entries(self, dead: Callable[[Entry], bool]) -> dict[str, Entry]:
        """All access entries of the cluster; of two whose roles differ in their path only, the one that counts."""
        found: dict[str, Entry] = {}
        for entry in gather(self._context, lambda arn: self._eks.entry(arn, policies=True), self._eks.principals()):
            if entry is not None and (identity(entry.principal) not in found or not dead(entry)):
                found[identity(entry.principal)] = entry
        return found

    def _shown(self, planned: Migration) -> dict[str, Any]:
        return {
            "authentication_mode": self._cluster.authentication_mode,
            "entries": planned.entries,
            "first_entries": planned.first_entries,
            "bridge": planned.needs_bridge,
            "already": list(planned.already),
            "gone": list(planned.gone),
            "ignored": list(planned.ignored),
            "duplicates": list(planned.duplicates),
            "refused": [str(item) for item in planned.refused],
            "made": [{"principal": arn} for arn in planned.made],
            "against_undo": self._against_undo(planned),
        }

    def _against_undo(self, planned: Migration) -> list[str]:
        if self._cluster.authentication_mode == API:
            return [
                f"EKS cluster {self._cluster.name!r} has the authentication mode API: aws-auth is not read, and AWS "
                "lets no cluster go back."
            ]
        return planned.against_undo()

    def _prepare(self, planned: Migration, result: dict[str, Any]) -> None:
        """Keep aws-auth as it is, and build the bridge, before any entry is made."""
        if self._live is not None and not set(map(identity, planned.made)) >= {
            identity(item.principal) for item in planned.identities
        }:
            result["backup"] = self._backup(self._live, result)
        if planned.needs_bridge and not self._bridge_there():
            self._kubernetes.apply(_binding(), dry_run=self._context.check_mode)
            result["changed"] = True
            result["diff"]["after"][f"ClusterRoleBinding {BINDING}"] = _binding()

    def _backup(self, live: dict[str, Any], result: dict[str, Any]) -> str:
        backups = Backups(self._kubernetes, self._context, EKS)
        there = {backup.name for backup in backups.every()}
        try:
            name = backups.make(live, by_restore=False)
        except ConflictError as error:
            raise EksError(
                f"{EKS} was changed while it was backed up; nothing was changed by this task. Run again."
            ) from error
        if name not in there:
            result["changed"] = True
            result["diff"]["after"][f"ConfigMap {EKS.namespace}/{name}"] = data_of(live)
        return name

    def _bridge_path(self) -> str:
        return self._kubernetes.paths.object("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", BINDING)

    def _bridge_there(self) -> bool:
        found = self._kubernetes.find(self._bridge_path())
        if found is None:
            return False
        same = all(found.get(key) == _binding()[key] for key in ("roleRef", "subjects"))
        if not same:
            raise EksError(
                f"ClusterRoleBinding {BINDING} is there and binds something else; nothing was changed. Look at it, "
                "delete it, and run again."
            )
        return True

    def _prove(self, planned: Migration, result: dict[str, Any]) -> None:
        people, missing = [], []
        for item in planned.identities:
            current = planned.current(item)
            if current is None:
                missing.append(item.principal)
            elif item.kind == STANDARD:
                # By the entry as it is; the bridge is about to go.
                groups = tuple(sorted(current.groups - {BRIDGE}))
                people.append(replace(item, username=current.username, groups=groups))
        if missing:
            raise EksError(
                f"{', '.join(missing)}: there is no access entry yet, so nothing can be proven. Make the entries first "
                "(ekspress.eks.access_entries with this task's first_entries).",
                **result,
            )
        proof = proofs.prove(
            self._kubernetes,
            self._context,
            people,
            most=self._params["reviews"],
            trust_policy=self._params["trust_policy"],
        )
        result["proof"] = proof.shown()
        if proof.left_out:
            self._context.warn(
                f"{proof.left_out} of the things that the cluster's RBAC allows were not asked for, with reviews: "
                f"{self._params['reviews']}; of the roles that are bound to people some of each were, by all verbs in "
                "turn. Raise reviews by as many to ask for all."
            )
        if proof.differences:
            shown = " ".join(proof.differences[:20])
            more = f" And {len(proof.differences) - 20} more." if len(proof.differences) > 20 else ""
            raise EksError(
                f"{len(proof.differences)} access reviews have another answer by the access entries than by aws-auth. "
                f"{shown}{more} aws-auth is as it was: correct what differs, or go back "
                "(-e migrate_access_undo=true).",
                **result,
            )

    def _finish(self, planned: Migration, result: dict[str, Any]) -> None:
        """Take the bridge down, once nobody stands on it."""
        facts = planned.facts
        standing = [entry.principal for entry in facts.entries.values() if BRIDGE in entry.groups] if facts else []
        if standing:
            raise EksError(
                f"{', '.join(sorted(standing))} still has the group {BRIDGE}; nothing was changed. Make the entries as "
                "they are to be first (ekspress.eks.access_entries with this task's entries).",
                **result,
            )
        if self._bridge_there():
            self._kubernetes.delete(self._bridge_path(), dry_run=self._context.check_mode)
            result["changed"] = True
            result["diff"]["before"][f"ClusterRoleBinding {BINDING}"] = _binding()

    def _hand_over(self, planned: Migration, result: dict[str, Any]) -> None:
        """Give the entries to the owner whom everyday tasks have, who can remove them then."""
        if self._cluster.authentication_mode != API:
            raise EksError(
                f"EKS cluster {self._cluster.name!r} has the authentication mode {self._cluster.authentication_mode}, "
                "in which the way back goes by the owner of the entries; nothing was changed. Go on to the mode API "
                "first (-e migrate_access_mode=API)."
            )
        entries = [entry for entry in (planned.facts.entries.values() if planned.facts else ()) if self._ours(entry)]
        for entry in entries:
            result["changed"] = True
            result["diff"]["before"][entry.principal] = {OWNER_TAG: entry.tags[OWNER_TAG]}
            result["diff"]["after"][entry.principal] = {OWNER_TAG: DEFAULT_OWNER}
        if not self._context.check_mode:
            gather(self._context, self._given_away, entries)

    def _ours(self, entry: Entry) -> bool:
        return entry.tags.get(OWNER_TAG) == self._params["owner"] != DEFAULT_OWNER

    def _given_away(self, entry: Entry) -> bool:
        arguments = {"resourceArn": entry.arn, "tags": {OWNER_TAG: DEFAULT_OWNER}}
        return self._eks.make(entry.principal, Write("tag_resource", arguments, "hand over"))


def _binding() -> dict[str, Any]:
    """What gives the bridge its rights: those of system:masters."""
    api = "rbac.authorization.k8s.io"
    return {
        "apiVersion": f"{api}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": BINDING, "labels": {"app.kubernetes.io/managed-by": "ekspress.eks"}},
        "roleRef": {"apiGroup": api, "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [{"apiGroup": api, "kind": "Group", "name": BRIDGE}],
    }


LOGIC = Logic(
    run=run,
    argument_spec=argument_spec,
    services=("eks", "iam", "sts"),
    libraries=("botocore", "urllib3", "yaml"),
)
