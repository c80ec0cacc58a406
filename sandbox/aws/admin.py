# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The admin API under /sandbox/: health, reset, faults, calls, settings, clusters, accounts, fixtures, reviews."""

from __future__ import annotations

import json
import os
import threading
import traceback
from collections.abc import Callable, Iterable
from dataclasses import asdict
from typing import Any

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request, Response

from sandbox.aws import authorizer, clusters, fixtures
from sandbox.aws.faults import fault_from
from sandbox.aws.state import State

DEFAULT_REGION = "eu-central-1"


class Admin:
    """WSGI application of the admin API; every body is JSON."""

    def __init__(self, state: State) -> None:
        self.state = state
        self._building = threading.Lock()
        self._map = Map(
            [
                Rule("/sandbox/health", methods=["GET"], endpoint="health"),
                Rule("/sandbox/reset", methods=["POST"], endpoint="reset"),
                Rule("/sandbox/faults", methods=["GET"], endpoint="get_faults"),
                Rule("/sandbox/faults", methods=["POST"], endpoint="add_fault"),
                Rule("/sandbox/faults", methods=["DELETE"], endpoint="clear_faults"),
                Rule("/sandbox/calls", methods=["GET"], endpoint="get_calls"),
                Rule("/sandbox/calls", methods=["DELETE"], endpoint="clear_calls"),
                Rule("/sandbox/settings", methods=["GET"], endpoint="get_settings"),
                Rule("/sandbox/settings", methods=["PUT"], endpoint="change_settings"),
                Rule("/sandbox/clusters/<name>", methods=["PUT"], endpoint="set_cluster"),
                Rule("/sandbox/accounts/<account>", methods=["POST"], endpoint="add_account"),
                Rule("/sandbox/fixtures", methods=["GET"], endpoint="get_fixtures"),
                Rule("/sandbox/fixtures", methods=["POST"], endpoint="make_fixtures"),
                Rule("/sandbox/authorize/<cluster>", methods=["POST"], endpoint="authorize"),
            ]
        )

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer one request of the admin API."""
        request = Request(environ)
        body = request.get_data()
        try:
            endpoint, arguments = self._map.bind_to_environ(environ).match()
            data = json.loads(body) if body else {}
            result = getattr(self, f"_{endpoint}")(data, request, **arguments)
            response = Response(json.dumps(result), 200, content_type="application/json")
        except HTTPException as refused:
            response = _error(refused.code or 500, str(refused))
        except (ValueError, TypeError) as refused:
            response = _error(400, str(refused))
        except clusters.UnknownCluster as refused:
            response = _error(404, str(refused))
        except Exception as failed:
            traceback.print_exc()
            response = _error(500, repr(failed))
        return response(environ, start_response)

    def _health(self, data: dict[str, Any], request: Request) -> dict[str, Any]:
        return {"status": "ok", "pid": os.getpid()}

    def _reset(self, data: dict[str, Any], request: Request) -> dict[str, Any]:
        self.state.reset()
        return {}

    def _get_faults(self, data: dict[str, Any], request: Request) -> dict[str, Any]:
        return {"faults": self.state.faults.as_list()}

    def _add_fault(self, data: dict[str, Any], request: Request) -> dict[str, Any]:
        return asdict(self.state.faults.add(fault_from(data)))

    def _clear_faults(self, data: dict[str, Any], request: Request) -> dict[str, Any]:
        self.state.faults.clear()
        return {}

    def _get_calls(self, data: dict[str, Any], request: Request) -> dict[str, Any]:
        return {"calls": self.state.calls.as_list()}

    def _clear_calls(self, data: dict[str, Any], request: Request) -> dict[str, Any]:
        self.state.calls.clear()
        return {}

    def _get_settings(self, data: dict[str, Any], request: Request) -> dict[str, Any]:
        return asdict(self.state.settings)

    def _change_settings(self, data: dict[str, Any], request: Request) -> dict[str, Any]:
        return self.state.change_settings(data)

    def _set_cluster(self, data: dict[str, Any], request: Request, name: str) -> dict[str, Any]:
        with self.state.moto_lock:
            return clusters.change(self.state, name, data)

    def _add_account(self, data: dict[str, Any], request: Request, account: str) -> dict[str, Any]:
        with self.state.moto_lock:
            return clusters.add_account(account, data)

    def _get_fixtures(self, data: dict[str, Any], request: Request) -> dict[str, Any]:
        return self.state.fixtures

    def _make_fixtures(self, data: dict[str, Any], request: Request) -> dict[str, Any]:
        endpoint = request.host_url.rstrip("/")
        # A caller that was killed leaves a request that is still at work; the next one waits for its end.
        with self._building:
            if self.state.fixtures:
                self.state.fixtures = fixtures.add_clusters(endpoint, self.state.fixtures, data.get("clusters", []))
            else:
                self.state.fixtures = fixtures.build(endpoint, **data)
        # Tests count calls of what they test, not of what was there before.
        self.state.calls.clear()
        return self.state.fixtures

    def _authorize(self, data: dict[str, Any], request: Request, cluster: str) -> dict[str, Any]:
        return authorizer.review(self.state, cluster, data)


def _error(status: int, message: str) -> Response:
    return Response(json.dumps({"error": message}), status, content_type="application/json")
