# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Variables, references, quantities and paths come out as a kubelet has them."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from sandbox.pods.programs import CannotRun
from sandbox.pods.values import expanded, field, quantity, resource
from sandbox.pods.volumes import Volumes

POD: dict[str, Any] = {
    "metadata": {
        "name": "p",
        "namespace": "n",
        "uid": "u",
        "labels": {"app.kubernetes.io/name": "x"},
        "annotations": {"b": "2", "a": "1"},
    },
    "spec": {"nodeName": "node", "serviceAccountName": "s"},
    "status": {"podIP": "10.0.0.1", "hostIP": "10.0.0.11", "podIPs": [{"ip": "10.0.0.1"}]},
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("$(A)-$(B)", "1-2"),
        ("$(MISSING)", "$(MISSING)"),
        ("$$(A)", "$(A)"),
        ("$$$(A)", "$1"),
        ("$A ${A} $(A", "$A ${A} $(A"),
        ("{{ index .Annotations \"x\" }}", "{{ index .Annotations \"x\" }}"),
    ],
)  # fmt: skip
def test_references(text: str, value: str) -> None:
    assert expanded(text, {"A": "1", "B": "2"}) == value


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("metadata.name", "p"),
        ("metadata.uid", "u"),
        ("metadata.labels['app.kubernetes.io/name']", "x"),
        ("metadata.annotations['missing']", ""),
        ("metadata.annotations", 'a="1"\nb="2"'),
        ("spec.nodeName", "node"),
        ("status.hostIP", "10.0.0.11"),
        ("status.podIPs", "10.0.0.1"),
    ],
)
def test_fields(path: str, value: str) -> None:
    assert field(POD, path) == value


def test_a_field_that_is_none() -> None:
    with pytest.raises(CannotRun, match="unsupported fieldPath"):
        field(POD, "spec.containers")


@pytest.mark.parametrize(
    ("text", "value"),
    [("1", "1"), ("250m", "0.25"), ("128Mi", "134217728"), ("1e3", "1000"), ("1.5Gi", "1610612736"), ("2k", "2000")],
)
def test_quantities(text: str, value: str) -> None:
    assert quantity(text) == Decimal(value)


def test_resources() -> None:
    container = {"resources": {"limits": {"memory": "128Mi", "cpu": "250m"}, "requests": {}}}
    node = {"memory": "4Gi", "ephemeral-storage": "10"}
    assert resource(container, {"resource": "limits.memory"}, node) == "134217728"
    assert resource(container, {"resource": "limits.memory", "divisor": "1Mi"}, node) == "128"
    assert resource(container, {"resource": "limits.cpu"}, node) == "1"
    assert resource({}, {"resource": "limits.memory", "divisor": "1Gi"}, node) == "4"
    assert resource(container, {"resource": "requests.cpu"}, node) == "0"
    with pytest.raises(CannotRun, match="no quantity"):
        quantity("much")


def test_paths_below_mounts_are_those_of_the_private_directory() -> None:
    volumes = Volumes({"/etc/traefik": Path("/private/a"), "/etc/traefik/tls": Path("/private/b")})
    assert volumes.here("--file=/etc/traefik/x.yml") == "--file=/private/a/x.yml"
    assert volumes.here("/etc/traefik/tls/ca.crt:/etc/traefik") == "/private/b/ca.crt:/private/a"
    for other in ("/etc/traefik-x", "/my/etc/traefik/x", "/etc/traefikx", "https://example.com/etc/traefik/x"):
        assert volumes.here(other) == other
