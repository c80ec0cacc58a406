# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Webhooks fail here as they do on EKS, and work where they would work there."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sandbox_fixtures import RunningSandbox
from tests.support import wait_until

from .webhook import Webhook, authority


@pytest.fixture
def control(sandbox: RunningSandbox) -> Iterator[Path]:
    """The file of simulated failures."""
    path = Path(sandbox.cluster()["webhooks_file"])
    yield path
    path.unlink(missing_ok=True)


@pytest.fixture
def hook(sandbox: RunningSandbox, request: pytest.FixtureRequest) -> Iterator[Webhook]:
    """A webhook without pods; its name is the test's."""
    kube = sandbox.kube()
    webhook = Webhook(kube, request.node.name.replace("_", "-").removeprefix("test-")[:24].strip("-"))
    webhook.install()
    yield webhook
    path = f"/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/{webhook.name}"
    assert kube.request("DELETE", path)[0] == 200
    assert kube.request("DELETE", f"/api/v1/namespaces/{webhook.name}")[0] == 200
    kube.close()


def test_refused_without_endpoints_admitted_with(hook: Webhook) -> None:
    hook.scale(0)
    # The API server learns of a new webhook, of its Service and of endpoints by watches, each in its own time.
    nobody = f'no endpoints available for service "{hook.name}"'
    wait_until(lambda: hook.answers(500, nobody))
    hook.scale(2)
    wait_until(lambda: len(hook.ready()) == 2)
    wait_until(lambda: hook.call()[0] == 201)
    hook.scale(0)
    wait_until(lambda: not hook.ready())
    wait_until(lambda: hook.answers(500, nobody))


def test_wrong_authority_is_refused(hook: Webhook) -> None:
    hook.scale(1)
    wait_until(lambda: bool(hook.ready()))
    wait_until(lambda: hook.call()[0] == 201)
    hook.trust(authority("another authority")[0])
    wait_until(lambda: hook.answers(500, "certificate signed by unknown authority"))


def test_denial_with_a_reason(hook: Webhook, control: Path) -> None:
    hook.scale(1)
    wait_until(lambda: bool(hook.ready()))
    wait_until(lambda: hook.call()[0] == 201)
    control.write_text(json.dumps({"deny": {"/validate": "not on a Friday"}}), encoding="utf-8")
    status, message = hook.call()
    assert status == 403
    assert message.endswith("denied the request: not on a Friday")


def test_port_refused_and_dropped(hook: Webhook, control: Path) -> None:
    hook.patience = 2
    hook.install()
    hook.scale(1, port=9444)
    wait_until(lambda: bool(hook.ready()))
    wait_until(lambda: hook.call()[0] == 201)
    control.write_text(json.dumps({"ports": {"9444": "refuse"}}), encoding="utf-8")
    assert "connection refused" in hook.call()[1]
    control.write_text(json.dumps({"ports": {"9444": "drop"}}), encoding="utf-8")
    began = time.monotonic()
    assert "context deadline exceeded" in hook.call()[1]
    assert time.monotonic() - began > hook.patience * 0.75
    control.unlink()
    wait_until(lambda: hook.call()[0] == 201)


def test_port_closed_by_annotation(hook: Webhook) -> None:
    hook.patience = 2
    hook.install()
    hook.scale(1, annotations={"sandbox.ekspress/closed-ports": "9443"})
    wait_until(lambda: bool(hook.ready()))
    wait_until(lambda: hook.answers(500, "context deadline exceeded"))
