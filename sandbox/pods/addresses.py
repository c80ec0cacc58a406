# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where the ports of pods that really run are: local ports of 127.0.0.1, in the file that the loop writes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sandbox.kube_client import KubeClient

Json = dict[str, Any]


def read(pods_file: Path) -> dict[str, Json]:
    """Return the entries of all pods that run, and of those whose addresses lead to one, by namespace/name."""
    try:
        return dict(json.loads(pods_file.read_text(encoding="utf-8"))["pods"])
    except FileNotFoundError:
        return {}


def of_pod(pods_file: Path, namespace: str, name: str, port: int) -> int | None:
    """Return the local port of a pod's port, None where nothing listens."""
    found: int | None = read(pods_file).get(f"{namespace}/{name}", {}).get("ports", {}).get(str(port))
    return found


def of_service(client: KubeClient, pods_file: Path, namespace: str, name: str, port: int | str) -> int | None:
    """Return the local port behind a Service's port (number or name), None where no ready endpoint listens.

    Ready are both the endpoint and the process: for a moment after a process took over, only the endpoint is.
    """
    local = {entry["address"]: entry["ports"] for entry in read(pods_file).values() if entry["ready"]}
    for address, number in endpoints(client, namespace, name, port):
        if str(number) in local.get(address, {}):
            return int(local[address][str(number)])
    return None


def endpoints(client: KubeClient, namespace: str, name: str, port: int | str) -> Iterator[tuple[str, int]]:
    """Yield the addresses and ports of a Service's ready endpoints for one of its ports (number or name)."""
    service = client.get(f"/api/v1/namespaces/{namespace}/services/{quote(name)}")
    names = [item.get("name", "") for item in (service or {}).get("spec", {}).get("ports", [])
             if port in (item["port"], item.get("name"))]  # fmt: skip
    selector = quote(f"kubernetes.io/service-name={name}")
    path = f"/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices?labelSelector={selector}"
    for item in client.get(path)["items"] if names else ():
        numbers = [each["port"] for each in item.get("ports") or () if each.get("name", "") == names[0]]
        for endpoint in item.get("endpoints") or ():
            if endpoint.get("conditions", {}).get("ready") and numbers:
                yield endpoint["addresses"][0], numbers[0]
