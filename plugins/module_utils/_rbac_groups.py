# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""rbac_groups: what groups may do in a cluster, read with one list of each kind, written where it differs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils import _rbac_groups_plan as planning
from ansible_collections.ekspress.eks.plugins.module_utils._aws import Aws
from ansible_collections.ekspress.eks.plugins.module_utils._context import Context, Logic
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError, named
from ansible_collections.ekspress.eks.plugins.module_utils._kubernetes import Kubernetes, connect
from ansible_collections.ekspress.eks.plugins.module_utils._kubernetes_errors import KubernetesError
from ansible_collections.ekspress.eks.plugins.module_utils._parallel import gather, settle, together
from ansible_collections.ekspress.eks.plugins.module_utils._rbac_groups_input import Group, argument_spec, wanted
from ansible_collections.ekspress.eks.plugins.module_utils._rbac_groups_plan import Change, Item, Key, Plan

NAMESPACES = "/api/v1/namespaces"


def run(params: dict[str, Any], context: Context) -> dict[str, Any]:
    """Converge the groups of a task. Raises EksError."""
    groups = wanted(params)
    aws = Aws(params, context) if params.get("cluster") else None
    return RbacGroups(connect(params, aws, context), context, groups, params).run()


class RbacGroups:
    """A run of the module on one cluster."""

    def __init__(
        self, kubernetes: Kubernetes, context: Context, groups: tuple[Group, ...], params: Mapping[str, Any]
    ) -> None:
        self._kubernetes = kubernetes
        self._context = context
        self._groups = groups
        self._present = params["state"] == "present"
        self._purge = params["purge"]

    def run(self) -> dict[str, Any]:
        """Read, plan, write. Raises EksError."""
        namespaces, live = self._read()
        items = planning.desired(self._groups, namespaces) if self._present else {}
        live |= self._unlabelled(items, live)
        plan = planning.plan(items, live, [group.name for group in self._groups], purge=self._purge)
        self._warn_of_missing(namespaces)
        done = self._write(plan)
        return self._result(plan, done, namespaces)

    def _read(self) -> tuple[tuple[str, ...], dict[Key, Item]]:
        """The namespaces in which something can be bound, and the objects of ours (one list of each kind)."""
        bound = self._present and any(not group.everywhere for group in self._groups)
        kinds = [lambda kind=kind: self._every(kind, ours_only=True) for kind in planning.KINDS]
        lists = together(self._context, *kinds, *([lambda: self._kubernetes.list(NAMESPACES)] if bound else []))
        live = {planning.key_of(item): item for items in lists[: len(kinds)] for item in items if planning.ours(item)}
        if not bound:
            return (), live
        namespaces = planning.open_namespaces(lists[-1])
        stay = {"", *namespaces}
        # What is in a namespace that is being deleted goes with it.
        return namespaces, {key: item for key, item in live.items() if key.namespace in stay}

    def _every(self, kind: str, *, ours_only: bool = False) -> list[Item]:
        path = self._kubernetes.paths.collection(planning.VERSION, kind)
        selector = f"{planning.LABEL}={planning.LABEL_VALUE}" if ours_only else ""
        # The items of a list do not say what they are.
        return [{**item, "kind": kind} for item in self._kubernetes.list(path, selector)]

    def _unlabelled(self, items: Mapping[Key, Item], live: Mapping[Key, Item]) -> dict[Key, Item]:
        """Objects of ours that lost their label. Raises EksError where somebody else's has a name that ours needs.

        Costs a list of each kind of which something is to be made; none where nothing is.
        """
        absent = [key for key in items if key not in live]
        kinds = {key.kind for key in absent} | ({planning.CLUSTER_ROLE} if absent else set())
        found = {
            planning.key_of(item): item for part in gather(self._context, self._every, sorted(kinds)) for item in part
        }
        foreign = [key for key in absent if key in found and not planning.ours(found[key])]
        if foreign:
            names = named([str(key) for key in foreign], 3)
            raise EksError(
                f"{self._subject} has {names}, which this module did not make, so nothing was written. "
                "See what it is for (kubectl describe), and delete it, or give the group another name."
            )
        self._check_roles(items, absent, found)
        return {key: found[key] for key in absent if key in found}

    def _check_roles(self, items: Mapping[Key, Item], absent: Iterable[Key], found: Mapping[Key, Item]) -> None:
        """Raise EksError where a new binding would name a ClusterRole that does not exist, and so give nothing."""
        there = {key.name for key in (*items, *found) if key.kind == planning.CLUSTER_ROLE}
        for key in absent:
            role = items[key].get("roleRef", {}).get("name")
            if role and role not in there:
                raise EksError(
                    f"groups: {planning.group_of(items[key])}, cluster_roles: {self._subject} has no ClusterRole "
                    f"{role!r}, so that nothing was written. Check its name (kubectl get clusterroles)."
                )

    @property
    def _subject(self) -> str:
        return self._kubernetes.connection.subject

    def _warn_of_missing(self, namespaces: tuple[str, ...]) -> None:
        for group in self._groups if self._present else ():
            for name in planning.missing(group, namespaces):
                self._context.warn(
                    f"Group {group.name} is to have rights in namespace {name}, which {self._subject} does not have, "
                    "or is deleting. Make it, and run again."
                )

    def _write(self, plan: Plan) -> list[Change]:
        """Make the changes of each turn side by side, and the next turn's once all are made; give what was done."""
        done: list[Change] = []
        for _turn, turn in groupby(plan.changes, planning.stage):
            changes = list(turn)
            outcomes = settle(self._context, self._make, changes)
            done += [change for change, outcome in zip(changes, outcomes, strict=True) if outcome is True]
            for change, outcome in zip(changes, outcomes, strict=True):
                if isinstance(outcome, Exception):
                    raise self._explained(change, outcome, done, plan) from outcome
        return done

    def _make(self, change: Change) -> bool:
        """Make a change, or try in check mode whether it could be made; False where its namespace goes meanwhile."""
        dry_run = self._context.check_mode
        try:
            if change.action in (planning.DELETE, planning.RECREATE):
                self._delete(change, dry_run)
            if planning.aggregates_by_others(change):
                self._kubernetes.patch(self._path(change.key), {"aggregationRule": None}, dry_run=dry_run)
            if change.item is not None and not (dry_run and change.action == planning.RECREATE):
                # Who made one of this name meanwhile holds its fields, and is not overwritten.
                force = change.action == planning.UPDATE
                self._kubernetes.apply(change.item, dry_run=dry_run, force=force)
        except KubernetesError as error:
            if _namespace_goes(change, error):
                return False
            if dry_run and _role_is_to_come(error):
                return True
            raise
        return True

    def _delete(self, change: Change, dry_run: bool) -> None:
        uid = (change.live or {}).get("metadata", {}).get("uid", "")
        self._kubernetes.delete(self._path(change.key), uid=uid, dry_run=dry_run)

    def _path(self, key: Key) -> str:
        return self._kubernetes.paths.object(planning.VERSION, key.kind, key.name, key.namespace)

    def _explained(self, change: Change, error: Exception, done: list[Change], plan: Plan) -> Exception:
        if not isinstance(error, EksError):
            return error
        message = f"Cannot {change}: {error.message}"
        text = error.text if isinstance(error, KubernetesError) else ""
        if isinstance(error, KubernetesError) and error.status == 403 and _escalates(text):
            message = (
                f"Cannot {change}: {self._subject} lets nobody give rights that they do not have themselves, and the "
                f"identity of this task lacks some of them ({text}). Run it as a member of system:masters, as one with "
                "the access policy AmazonEKSClusterAdminPolicy, or with the verbs bind and escalate for clusterroles "
                f"({planning.API})."
            )
        elif isinstance(error, KubernetesError) and error.status == 409:
            message = (
                f"Cannot {change}: somebody else made or changed it while this task ran ({text}). See what it is "
                "(kubectl describe), and run again."
            )
        made = 0 if self._context.check_mode else len(done)
        so_far = f"{made} of {len(plan.changes)} changes were made" if made else "Nothing was written"
        return EksError(f"{message.rstrip('.')}. {so_far}.", **error.details)

    def _result(self, plan: Plan, done: list[Change], namespaces: tuple[str, ...]) -> dict[str, Any]:
        skipped = {change.key for change in plan.changes} - {change.key for change in done}
        gone = {key.namespace for key in skipped}
        left = tuple(name for name in namespaces if name not in gone)
        groups = self._groups if self._present else ()
        return {
            "changed": bool(done),
            "changes": [str(change) for change in done],
            "namespaces": {group.name: list(planning.bound_in(group, left)) for group in groups},
            "unlisted": list(plan.unlisted),
            "diff": [_difference(change) for change in done],
        }


def _difference(change: Change) -> dict[str, str]:
    shape = change.item or change.live or {}
    return {
        "before_header": str(change.key),
        "after_header": str(change.key),
        "before": planning.text(change.live, shape),
        "after": planning.text(change.item, shape),
    }


def _escalates(text: str) -> bool:
    return "attempting to grant RBAC permissions" in text or "aggregationRule" in text


def _namespace_goes(change: Change, error: KubernetesError) -> bool:
    """Whether the namespace of a RoleBinding was deleted since it was listed: then there is nothing to bind in."""
    if not change.key.namespace:
        return False
    return ("being terminated" in error.text and error.status in (403, 409)) or (
        error.status == 404 and "namespaces " in error.text
    )


def _role_is_to_come(error: KubernetesError) -> bool:
    """Whether a binding was tried before its ClusterRole is there: who may not bind every role is asked for its rules.

    https://kubernetes.io/docs/reference/access-authn-authz/rbac/#privilege-escalation-prevention-and-bootstrapping
    """
    return error.status == 404 and f".{planning.API} " in error.text


LOGIC = Logic(
    run=run,
    argument_spec=argument_spec,
    services=("eks", "sts"),
    libraries=("botocore", "urllib3"),
    constraints={"required_one_of": [["cluster", "kubeconfig", "host"]]},
)
