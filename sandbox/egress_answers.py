# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the egress proxy answers in the place of pods, and the file that makes it fail on purpose."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

Json = dict[str, Any]


class Control:
    """The file of simulated failures, read anew for every connection.

    `{"ports": {"9443": "drop"}, "deny": {"/validate-service": "a reason"}}`: a port is `drop` (packets are lost, as
    without a security group rule), or `refuse`; a webhook path denies with a reason. No file means no failures.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> dict[str, Json]:
        """Return the failures of now."""
        try:
            content = json.loads(self.path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            content = {}
        return {"ports": content.get("ports", {}), "deny": content.get("deny", {})}


def answer(path: str, body: Json | None, pod: str, control: dict[str, Json]) -> tuple[int, Json]:
    """Return the status and the body that a pod answers a request with."""
    path = path.partition("?")[0].rstrip("/")
    kind = (body or {}).get("kind")
    if body is not None and kind == "AdmissionReview":
        return 200, _review(path, body, control["deny"])
    if body is not None and kind == "ConversionReview":
        return 200, _conversion(body)
    parts = path.strip("/").split("/")
    if body is None and parts[0] == "apis":
        return _discovery(parts[1:])
    return 404, {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 404, "message": f"{pod}: no {path}"}


def echo(pod: str, method: str, path: str, headers: Iterable[tuple[str, str]]) -> Json:
    """Return what a pod that is played answers a client with: who it is, and what it was asked."""
    return {"pod": pod, "method": method, "path": path, "headers": {name.lower(): value for name, value in headers}}


def _review(path: str, body: Json, deny: Json) -> Json:
    response: Json = {"uid": body["request"]["uid"], "allowed": path not in deny}
    if path in deny:
        response["status"] = {"code": 403, "message": deny[path], "reason": "Forbidden"}
    return {"apiVersion": body["apiVersion"], "kind": "AdmissionReview", "response": response}


def _conversion(body: Json) -> Json:
    request = body["request"]
    objects = [item | {"apiVersion": request["desiredAPIVersion"]} for item in request["objects"]]
    response = {"uid": request["uid"], "convertedObjects": objects, "result": {"status": "Success"}}
    return {"apiVersion": body["apiVersion"], "kind": "ConversionReview", "response": response}


def _discovery(parts: list[str]) -> tuple[int, Json]:
    """Answer for an aggregated API group without any resources."""
    if len(parts) == 2:
        group = "/".join(parts)
        return 200, {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group, "resources": []}
    return 404, {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 404, "message": "no such resource"}
