# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What differs between objects, leaf by leaf."""

from __future__ import annotations

from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils._helm_differences import difference, manifests


def pod(*containers: dict[str, Any]) -> dict[str, Any]:
    """A pod."""
    return {"kind": "Pod", "metadata": {"name": "web"}, "spec": {"containers": list(containers)}}


def test_items_are_known_by_their_names() -> None:
    main = {"name": "main", "image": "a:1", "args": ["--x", "--y"]}
    assert difference(pod(main), pod(main)) == ({}, {})
    before, after = difference(pod(main), pod({"name": "side"}, {**main, "image": "a:2", "args": ["--x", "--z"]}))
    assert before == {"spec.containers[main].args[1]": "--y", "spec.containers[main].image": "a:1"}
    assert after == {
        "spec.containers[main].args[1]": "--z",
        "spec.containers[main].image": "a:2",
        "spec.containers[side].name": "side",
    }


def test_secrets_are_hidden_and_their_change_is_seen() -> None:
    def secret(value: str) -> dict[str, Any]:
        return {"kind": "Secret", "metadata": {"name": "s", "labels": {"a": value}}, "data": {"x": value}}

    before, after = difference(secret("one"), secret("two"))
    assert before == {"data.x": "(hidden)", "metadata.labels.a": "one"}
    assert after == {"data.x": "(hidden, changed)", "metadata.labels.a": "two"}
    assert difference({}, secret("two"))[1]["data.x"] == "(hidden)"


def test_what_looks_secret_by_its_name_is_hidden_elsewhere_too() -> None:
    def environment(value: str) -> dict[str, Any]:
        return pod({"name": "main", "env": [{"name": "DB_PASSWORD", "value": value}, {"name": "MODE", "value": value}]})

    before, _after = difference(environment("one"), environment("two"))
    path = "spec.containers[main].env"
    assert before == {f"{path}[DB_PASSWORD].value": "(hidden)", f"{path}[MODE].value": "one"}


def test_objects_of_manifests_are_told_apart_by_kind_namespace_and_name() -> None:
    left = [pod({"name": "main"}), {"kind": "ConfigMap", "metadata": {"name": "gone", "namespace": "shop"}}]
    right = [pod({"name": "main"}), {"kind": "ConfigMap", "metadata": {"name": "gone", "namespace": "other"}}]
    before, after = manifests(left, right, "shop")
    assert set(before) == {f"ConfigMap gone: {path}" for path in ("kind", "metadata.name", "metadata.namespace")}
    assert set(after) == {f"ConfigMap other/gone: {path}" for path in ("kind", "metadata.name", "metadata.namespace")}
