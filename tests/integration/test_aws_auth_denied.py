# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""aws_auth as somebody who lacks one permission, or whom an admission webhook refuses."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils._kubernetes import Kubernetes
from ansible_collections.ekspress.eks.plugins.module_utils._kubernetes_errors import KubernetesError

from tests.integration.aws_auth_support import FOREIGN, Mappings, entry
from tests.support import wait_until

VERBS = ("get", "list", "create", "update", "delete")
RBAC = "/apis/rbac.authorization.k8s.io/v1"
NEW: dict[str, Any] = {"roles": [entry("new", "a")], "backups": 1}


def allowed(mappings: Mappings, user: str, verb: str) -> bool:
    """Whether the API lets a user do something to ConfigMaps, as it knows by now."""
    attributes = {"namespace": mappings.namespace, "verb": verb, "resource": "configmaps"}
    review = {"spec": {"user": user, "groups": ["system:authenticated"], "resourceAttributes": attributes}}
    status, answer = mappings.call("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", review)
    assert status == 201, answer
    return bool(answer["status"]["allowed"])


def somebody(mappings: Mappings, verbs: tuple[str, ...]) -> str:
    """A user who may do these things to the ConfigMaps of the namespace, and nothing else."""
    name, space = f"{mappings.namespace}-user", f"{RBAC}/namespaces/{mappings.namespace}"
    rules = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": list(verbs)}]
    assert mappings.call("POST", f"{space}/roles", {"metadata": {"name": "some"}, "rules": rules})[0] == 201
    group = "rbac.authorization.k8s.io"
    binding = {
        "metadata": {"name": "some"},
        "roleRef": {"apiGroup": group, "kind": "Role", "name": "some"},
        "subjects": [{"apiGroup": group, "kind": "User", "name": name}],
    }
    assert mappings.call("POST", f"{space}/rolebindings", binding)[0] == 201
    wait_until(lambda: all(allowed(mappings, name, verb) for verb in verbs))
    return name


@pytest.mark.parametrize("verb", VERBS)
def test_who_lacks_a_permission_is_told_and_nothing_is_written(mappings: Mappings, verb: str) -> None:
    mappings.put()
    mappings.run(roles=[entry("before")])
    before = mappings.item
    user = somebody(mappings, tuple(one for one in VERBS if one != verb))
    for check in (True, False):
        ran = mappings.run(check=check, **NEW, impersonate_user=user)
        assert f'cannot {verb} resource "configmaps"' in ran.message
        assert f'User "{user}"' in ran.message
        assert "Give this identity the permission" in ran.message
        assert not ran.result["changed"]
    assert mappings.item == before


def test_who_may_all_that_is_documented_may_do_it(mappings: Mappings) -> None:
    user = somebody(mappings, VERBS)
    for options in (NEW, {"roles": [entry("more")], "backups": 1}, {"roles": [entry("most")], "backups": 1}):
        assert mappings.run(check=True, **options, impersonate_user=user).changes
        assert mappings.run(**options, impersonate_user=user).changes
        assert mappings.run(**options, impersonate_user=user).unchanged
    assert mappings.run(state="restored", impersonate_user=user).result["changed"]


def test_who_may_only_read_finds_that_nothing_changes(mappings: Mappings) -> None:
    mappings.put()
    mappings.run(**NEW)
    assert mappings.run(**NEW, impersonate_user=somebody(mappings, ("get",))).unchanged


def test_who_may_not_create_is_told_where_there_is_none(mappings: Mappings) -> None:
    user = somebody(mappings, ("get", "list", "update", "delete"))
    for check in (True, False):
        assert 'cannot create resource "configmaps"' in mappings.run(check=check, **NEW, impersonate_user=user).message
    assert mappings.live() is None


def refusing(status: int, text: str, *, dry_run_only: bool) -> Any:
    """A request that an admission webhook answers in the API's place where it writes."""
    real = Kubernetes.request

    def request(self: Kubernetes, method: str, path: str, **more: Any) -> dict[str, Any]:
        if method != "GET" and (more.get("dry_run") or not dry_run_only):
            raise KubernetesError(f"The API refused {method}: {text}", status, "", text, method)
        return real(self, method, path, **more)

    return request


def test_an_admission_webhook_that_knows_no_dry_runs_does_not_stop_the_task(
    mappings: Mappings, monkeypatch: pytest.MonkeyPatch
) -> None:
    mappings.put()
    for number in range(2):
        mappings.run(roles=[entry(f"r{number}")])
    text = 'admission webhook "w.example" does not support dry run'
    monkeypatch.setattr(Kubernetes, "request", refusing(400, text, dry_run_only=True))
    assert mappings.run(check=True, **NEW).changes
    assert mappings.run(**NEW).changes
    assert len(mappings.backups) == 1


def test_an_admission_webhooks_refusal_is_told_in_check_mode_too(
    mappings: Mappings, monkeypatch: pytest.MonkeyPatch
) -> None:
    mappings.put()
    text = 'admission webhook "w.example" denied the request: not on a Friday'
    monkeypatch.setattr(Kubernetes, "request", refusing(403, text, dry_run_only=False))
    for check in (True, False):
        assert "not on a Friday" in mappings.run(check=check, **NEW).message
    assert mappings.data == FOREIGN


def test_backups_that_cannot_be_deleted_after_all_are_warned_of(
    mappings: Mappings, monkeypatch: pytest.MonkeyPatch
) -> None:
    mappings.put()
    mappings.run(roles=[entry("before")])
    real = Kubernetes.delete

    def delete(self: Kubernetes, path: str, *, dry_run: bool = False, **more: Any) -> bool:
        if not dry_run:
            raise KubernetesError("The API is restarting.", 500, "", "", "DELETE")
        return real(self, path, dry_run=dry_run, **more)

    monkeypatch.setattr(Kubernetes, "delete", delete)
    ran = mappings.run(**NEW)
    assert ran.changes
    assert "is written, but old backups of it are not deleted: The API is restarting." in ran.warnings[0]
