# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""rbac_groups on a real API server, which decides who may do what."""

from __future__ import annotations

import fcntl
import os
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils import _kubernetes
from ansible_collections.ekspress.eks.plugins.module_utils._errors import CancelledError
from ansible_collections.ekspress.eks.plugins.module_utils._kubernetes import Kubernetes

from tests.integration.helm_releases_support import turn
from tests.integration.rbac_support import RBAC, READ_PODS, Groups, audited
from tests.sandbox_fixtures import RunningSandbox
from tests.support import wait_until

LISTS = ["GET /api/v1/namespaces", *(f"GET {RBAC}/{kind}" for kind in ("clusterrolebindings", "clusterroles"))]
LISTS += [f"GET {RBAC}/rolebindings"]
DEBUG: dict[str, Any] = {"name": "debug", "rules": [READ_PODS]}
READER: dict[str, Any] = {"name": "reader", "scope": "cluster", "rules": [READ_PODS]}


@pytest.fixture
def groups(sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Groups]:
    """Groups of the test's own; none purges meanwhile."""
    for name in [name for name in os.environ if name.startswith("K8S_AUTH_")]:
        monkeypatch.delenv(name)
    made = Groups(sandbox, f"t{uuid.uuid4().hex[:8]}-")
    with turn(sandbox, "rbac", fcntl.LOCK_SH):
        yield made
        made.clean()


def test_a_group_has_its_rights_in_its_namespaces_and_nowhere_else(groups: Groups) -> None:
    inside, outside = groups.namespace("inside"), groups.namespace("outside")
    debug = {**DEBUG, "exclude_namespaces": [outside]}
    checked = groups.run(debug, READER, check=True)
    assert groups.objects() == {}
    made = groups.run(debug, READER)
    assert made.changes == checked.changes
    assert made.result["diff"] == checked.result["diff"]
    assert made.result["namespaces"] == {groups.name("debug"): [inside], groups.name("reader"): []}
    assert set(groups.objects()) == {
        "clusterroles/ekspress:debug",
        "clusterroles/ekspress:reader",
        "clusterrolebindings/ekspress:reader",
        "rolebindings/inside/ekspress:debug",
    }
    groups.comes_to(True, "debug", namespace=inside)
    groups.comes_to(True, "reader")
    assert not groups.may("debug", namespace=outside)
    assert not groups.may("debug", namespace="kube-system")
    assert not groups.may("debug")


def test_nothing_changes_in_one_list_of_each_kind(groups: Groups, monkeypatch: pytest.MonkeyPatch) -> None:
    groups.namespace("one")
    groups.run(DEBUG, READER)
    before = groups.objects()
    agent = f"rbac-groups-{groups.prefix}"
    monkeypatch.setattr(_kubernetes, "MANAGER", agent)
    again = groups.run(DEBUG, READER)
    assert again.changes == []
    assert sorted(again.calls) == sorted(LISTS)
    # As the API server itself has it.
    assert audited(groups.sandbox, agent) == {("list", call.removeprefix("GET ")): 1 for call in LISTS}
    assert groups.objects() == before
    alone = groups.run(READER)
    assert sorted(alone.calls) == sorted(LISTS[1:]), "no list of namespaces where none is asked for"


def test_a_new_namespace_is_bound_by_the_next_run_and_one_that_goes_is_not(groups: Groups) -> None:
    groups.namespace("one")
    groups.run(DEBUG)
    groups.namespace("two")
    going = groups.namespace("going")
    held = {"metadata": {"name": "held", "finalizers": ["example.com/held"]}}
    assert groups.call("POST", f"/api/v1/namespaces/{going}/configmaps", held)[0] == 201
    assert groups.call("DELETE", f"/api/v1/namespaces/{going}")[0] == 200
    try:
        made = groups.run(DEBUG)
        assert made.changes == [f"create RoleBinding ekspress:{groups.name('debug')} in {groups.name('two')}"]
        assert groups.run(DEBUG).changes == []
    finally:
        path = f"/api/v1/namespaces/{going}/configmaps/held"
        groups.call("PATCH", path, {"metadata": {"finalizers": None}}, "application/merge-patch+json")


def test_what_goes_with_its_namespace_is_left_to_it(groups: Groups) -> None:
    going = groups.namespace("going")
    groups.run(DEBUG)
    name = f"ekspress:{groups.name('debug')}"
    path = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{going}/rolebindings/{name}"
    assert groups.call("PATCH", path, {"metadata": {"finalizers": ["example.com/held"]}}, MERGE)[0] == 200
    assert groups.call("DELETE", f"/api/v1/namespaces/{going}")[0] == 200
    try:
        assert groups.run(DEBUG).changes == []
    finally:
        groups.call("PATCH", path, {"metadata": {"finalizers": None}}, MERGE)


@pytest.mark.parametrize("how", ["terminating", "gone"])
def test_a_namespace_that_goes_meanwhile_is_no_failure(
    groups: Groups, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    groups.namespace("one")
    going = groups.namespace("going")
    held = {"metadata": {"name": "held", "finalizers": ["example.com/held"] if how == "terminating" else []}}
    assert groups.call("POST", f"/api/v1/namespaces/{going}/configmaps", held)[0] == 201
    path = f"/api/v1/namespaces/{going}"
    real = Kubernetes.apply

    def meanwhile(self: Kubernetes, item: dict[str, Any], **more: Any) -> dict[str, Any]:
        if item["metadata"].get("namespace") == going:
            groups.call("DELETE", path)
            if how == "gone":
                wait_until(lambda: groups.call("GET", path)[0] == 404)
        return real(self, item, **more)

    monkeypatch.setattr(Kubernetes, "apply", meanwhile)
    try:
        made = groups.run(DEBUG)
        assert f"create RoleBinding ekspress:{groups.name('debug')} in {going}" not in made.changes
        assert len(made.changes) == 2
        assert made.result["namespaces"] == {groups.name("debug"): [groups.name("one")]}
    finally:
        groups.call("PATCH", f"{path}/configmaps/held", {"metadata": {"finalizers": None}}, MERGE)


MERGE = "application/merge-patch+json"


def test_what_somebody_changed_is_put_back_and_what_they_added_stays(groups: Groups) -> None:
    place = groups.namespace("one")
    groups.run(DEBUG, READER)
    own = f"ekspress:{groups.name('debug')}"
    role, binding = f"{RBAC}/clusterroles/{own}", f"{RBAC}/namespaces/{place}/rolebindings/{own}"
    more = {"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "mallory"}
    edits: list[tuple[str, dict[str, Any]]] = [
        (role, {"rules": [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]}),
        (role, {"aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {"nobody/has": "it"}}]}}),
        (role, {"metadata": {"labels": {"ekspress.eks/managed-by": None}}}),
        (binding, {"subjects": [more]}),
        (binding, {"metadata": {"annotations": {"ekspress.eks/group": "other"}, "labels": {"of": "others"}}}),
    ]
    for path, edit in edits:
        assert groups.call("PATCH", path, edit, MERGE)[0] == 200
        made = groups.run(DEBUG, READER)
        assert len(made.changes) == 1, (edit, made.changes)
        assert made.changes[0].startswith("update ")
        assert groups.run(DEBUG, READER).changes == []
    item = groups.call("GET", role)[1]
    assert item["rules"] == [READ_PODS]
    assert "aggregationRule" not in item
    assert groups.call("GET", binding)[1]["metadata"]["labels"]["of"] == "others"


def test_a_binding_to_another_role_is_made_anew(groups: Groups) -> None:
    place = groups.namespace("one")
    groups.run(DEBUG)
    own = f"ekspress:{groups.name('debug')}"
    path = f"{RBAC}/namespaces/{place}/rolebindings"
    live = groups.call("GET", f"{path}/{own}")[1]
    assert groups.call("DELETE", f"{path}/{own}")[0] == 200
    live["roleRef"]["name"] = "cluster-admin"
    meta = {key: live["metadata"][key] for key in ("name", "namespace", "labels", "annotations")}
    item = {**live, "metadata": meta}
    apply = "application/apply-patch+yaml"
    assert groups.call("PATCH", f"{path}/{own}?fieldManager=ekspress.eks", item, apply)[0] == 201
    checked = groups.run(DEBUG, check=True)
    made = groups.run(DEBUG)
    assert made.changes == checked.changes == [f"recreate RoleBinding {own} in {place}"]
    assert groups.call("GET", f"{path}/{own}")[1]["roleRef"]["name"] == own
    assert groups.run(DEBUG).changes == []


def test_an_object_of_somebody_else_is_refused_and_left(groups: Groups) -> None:
    place = groups.namespace("one")
    own = f"ekspress:{groups.name('debug')}"
    label = {"ekspress.eks/managed-by": "rbac-groups"}
    role = {"metadata": {"name": own, "labels": label}, "rules": [READ_PODS]}
    assert groups.call("POST", f"{RBAC}/clusterroles", role)[0] == 201
    before = groups.objects()
    for check in (True, False):
        ran = groups.run(DEBUG, check=check)
        assert f"has ClusterRole {own}, which this module did not make" in ran.message
        assert "nothing was written" in ran.message
    assert groups.objects() == before
    # Not even by an absent group, whose objects have the same label.
    assert groups.run(DEBUG, state="absent").changes == []
    assert groups.objects() == before
    assert groups.call("GET", f"{RBAC}/namespaces/{place}/rolebindings")[1]["items"] == []


def test_one_that_somebody_makes_meanwhile_is_not_overwritten(groups: Groups, monkeypatch: pytest.MonkeyPatch) -> None:
    own = f"ekspress:{groups.name('reader')}"
    foreign = {**READ_PODS, "verbs": ["list"]}
    real = Kubernetes.apply

    def meanwhile(self: Kubernetes, item: dict[str, Any], **more: Any) -> dict[str, Any]:
        if item["kind"] == "ClusterRole":
            groups.call("POST", f"{RBAC}/clusterroles", {"metadata": {"name": own}, "rules": [foreign]})
        return real(self, item, **more)

    monkeypatch.setattr(Kubernetes, "apply", meanwhile)
    ran = groups.run(READER)
    assert f"Cannot create ClusterRole {own}: somebody else made or changed it while this task ran" in ran.message
    assert ran.message.endswith("Nothing was written.")
    assert groups.call("GET", f"{RBAC}/clusterroles/{own}")[1]["rules"] == [foreign]
    assert "clusterrolebindings/ekspress:reader" not in groups.objects()


def test_what_a_group_does_not_need_any_more_goes_and_that_of_others_stays(groups: Groups) -> None:
    place = groups.namespace("one")
    groups.run(DEBUG, READER)
    moved = groups.run({**DEBUG, "scope": "cluster"})
    own = f"ekspress:{groups.name('debug')}"
    assert moved.changes == [f"create ClusterRoleBinding {own}", f"delete RoleBinding {own} in {place}"]
    assert groups.name("reader") in moved.result["unlisted"]
    assert "clusterrolebindings/ekspress:reader" in groups.objects()
    gone = groups.run(DEBUG, state="absent")
    assert gone.changes == [f"delete ClusterRoleBinding {own}", f"delete ClusterRole {own}"]
    assert groups.run(DEBUG, state="absent").changes == []


def test_purge_takes_from_groups_that_are_not_listed(sandbox: RunningSandbox) -> None:
    groups = Groups(sandbox, f"t{uuid.uuid4().hex[:8]}-")
    copied = {"ekspress.eks/managed-by": "rbac-groups"}
    with turn(sandbox, "rbac", fcntl.LOCK_EX):
        try:
            groups.namespace("one")
            groups.run(DEBUG, READER)
            role = {"metadata": {"name": f"{groups.prefix}copy", "labels": copied}, "rules": [READ_PODS]}
            assert groups.call("POST", f"{RBAC}/clusterroles", role)[0] == 201
            checked = groups.run(READER, purge=True, check=True)
            made = groups.run(READER, purge=True)
            assert made.changes == checked.changes
            assert set(groups.objects()) == {
                "clusterroles/ekspress:reader",
                "clusterrolebindings/ekspress:reader",
                "clusterroles/copy",
            }
            assert made.result["unlisted"] == []
        finally:
            groups.clean()


@pytest.mark.parametrize("writes", range(4))
def test_a_run_that_ends_after_any_write_is_completed_by_the_next(groups: Groups, writes: int) -> None:
    place = groups.namespace("one")
    groups.run({**DEBUG, "scope": "cluster"})
    left = iter(range(writes))
    real = Kubernetes.request

    def until(self: Kubernetes, method: str, *arguments: Any, **more: Any) -> dict[str, Any]:
        if method != "GET" and next(left, None) is None:
            raise CancelledError("The task was ended.")
        return real(self, method, *arguments, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Kubernetes, "request", until)
        # Two to be made for the one, one for the other, and one to be deleted.
        ended = groups.run(DEBUG, READER)
        assert "The task was ended." in ended.message
        assert ended.message.endswith(f"{writes} of 4 changes were made." if writes else "Nothing was written.")
    assert len(groups.run(DEBUG, READER).changes) == 4 - writes
    groups.comes_to(True, "debug", namespace=place)
    assert not groups.may("debug", namespace="default")
    assert groups.run(DEBUG, READER).changes == []


def test_rules_of_others_join_by_a_label(groups: Groups) -> None:
    place = groups.namespace("one")
    labels = {"example.com/join": groups.name("join")}
    selected: dict[str, Any] = {**DEBUG, "cluster_role_selectors": [labels]}
    assert len(groups.run(selected).changes) == 3
    groups.comes_to(True, "debug", namespace=place)
    assert not groups.may("debug", resource="services", namespace=place)
    rule = {"apiGroups": [""], "resources": ["services"], "verbs": ["get"]}
    other = {"metadata": {"name": f"{groups.prefix}other", "labels": labels}}
    assert groups.call("POST", f"{RBAC}/clusterroles", {**other, "rules": [rule]})[0] == 201
    groups.comes_to(True, "debug", resource="services", namespace=place)
    assert groups.run(selected).changes == [], "what Kubernetes fills in is no difference"
    plain = groups.run(DEBUG)
    own = f"ekspress:{groups.name('debug')}"
    assert plain.changes == [f"update ClusterRole {own}", f"delete ClusterRole {own}:rules"]
    groups.comes_to(False, "debug", resource="services", namespace=place)
    assert groups.may("debug", namespace=place)
    assert groups.run(DEBUG).changes == []


def test_cluster_roles_are_bound_as_they_are_and_must_be_there(groups: Groups) -> None:
    place = groups.namespace("one")
    ran = groups.run({"name": "team", "cluster_roles": ["view", "veiw"]})
    assert "cluster_roles: " in ran.message
    assert "has no ClusterRole 'veiw'" in ran.message
    assert groups.objects() == {}
    assert len(groups.run({"name": "team", "cluster_roles": ["view"]}).changes) == 1
    groups.comes_to(True, "team", verb="list", resource="configmaps", namespace=place)
    assert not groups.may("team", resource="secrets", namespace=place)


def test_a_namespace_that_is_not_there_is_warned_of(groups: Groups) -> None:
    ran = groups.run({**DEBUG, "namespaces": [groups.name("later")]})
    (warning,) = ran.warnings
    assert f"is to have rights in namespace {groups.name('later')}, which" in warning
    assert len(ran.changes) == 1


def somebody(groups: Groups, *rules: dict[str, Any]) -> str:
    """A user who may read what the module reads, and what the rules say."""
    user = groups.name("somebody")
    every = {"apiGroups": ["rbac.authorization.k8s.io"], "resources": ["*"], "verbs": ["list", "create", "patch"]}
    spaces = {"apiGroups": [""], "resources": ["namespaces"], "verbs": ["list"]}
    api = "rbac.authorization.k8s.io"
    assert (
        groups.call("POST", f"{RBAC}/clusterroles", {"metadata": {"name": user}, "rules": [every, spaces, *rules]})[0]
        == 201
    )
    binding = {
        "metadata": {"name": user},
        "roleRef": {"apiGroup": api, "kind": "ClusterRole", "name": user},
        "subjects": [{"apiGroup": api, "kind": "User", "name": user}],
    }
    assert groups.call("POST", f"{RBAC}/clusterrolebindings", binding)[0] == 201
    attributes = {"verb": "list", "group": api, "resource": "rolebindings"}
    review = {"spec": {"user": user, "resourceAttributes": attributes}}
    wait_until(
        lambda: groups.call("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", review)[1]["status"][
            "allowed"
        ]
    )
    return user


@pytest.mark.parametrize("selectors", [[], [{"example.com/join": "true"}]], ids=["rules", "aggregated"])
def test_who_would_give_more_than_they_have_is_told_what_is_needed(
    groups: Groups, selectors: list[dict[str, str]]
) -> None:
    groups.namespace("one")
    user = somebody(groups)
    wanted = {**DEBUG, "cluster_role_selectors": selectors}
    before = set(groups.objects())
    for check in (True, False):
        ran = groups.run(wanted, check=check, impersonate_user=user)
        assert "lets nobody give rights that they do not have themselves" in ran.message
        assert "bind and escalate" in ran.message
        assert "AmazonEKSClusterAdminPolicy" in ran.message
    assert set(groups.objects()) == before


def test_who_has_bind_and_escalate_may_give_what_they_lack(groups: Groups) -> None:
    groups.namespace("one")
    guarded = {"apiGroups": ["rbac.authorization.k8s.io"], "resources": ["clusterroles"], "verbs": ["bind", "escalate"]}
    user = somebody(groups, guarded)
    assert len(groups.run(DEBUG, READER, impersonate_user=user, check=True).changes) == 4
    assert len(groups.run(DEBUG, READER, impersonate_user=user).changes) == 4
    assert groups.run(DEBUG, READER, impersonate_user=user).changes == []


def test_who_has_the_rights_may_give_them_and_check_mode_says_so(groups: Groups) -> None:
    """The binding's role is not there yet when check mode tries the binding."""
    groups.namespace("one")
    user = somebody(groups, READ_PODS)
    assert len(groups.run(DEBUG, impersonate_user=user, check=True).changes) == 2
    assert len(groups.run(DEBUG, impersonate_user=user).changes) == 2


def test_who_may_not_list_is_told(groups: Groups) -> None:
    ran = groups.run(DEBUG, impersonate_user=groups.name("nobody"))
    assert "cannot list resource" in ran.message
    assert "Give this identity the permission" in ran.message
