# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A cluster, zones and instances of ExternalDNS for tests."""

from __future__ import annotations

from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils._external_dns_plan import plan

CLUSTER = {
    "name": "blue",
    "account": "111122223333",
    "partition": "aws",
    "region": "eu-central-1",
    "vpc_id": "vpc-1",
}
COMMON: dict[str, Any] = {
    "state": "present",
    "values": {"priorityClassName": "system-cluster-critical"},
    "release": {"namespace": "kube-system", "chart": "external-dns", "version": "1.21.1"},
    "identity": {"permissions_boundary": ""},
}
PUBLIC: dict[str, Any] = {"name": "public", "zone_type": "public", "zones": ["example.com"]}
PRIVATE: dict[str, Any] = {"name": "private", "zone_type": "private", "zones": ["example.com"]}


def zone(zone_id: str, name: str = "example.com", *, private: bool = False, **more: Any) -> dict[str, Any]:
    """A zone as hosted_zones_info returns it."""
    return {
        "id": zone_id,
        "arn": f"arn:aws:route53:::hostedzone/{zone_id}",
        "name": name,
        "private": private,
        "linked_service": "",
        "associated": False if private else None,
        **more,
    }


ZONES = [zone("ZPUB"), zone("ZPRI", private=True, associated=True), zone("ZORG", "example.org")]


def planned(
    instances: list[dict[str, Any]], *, zones: list[dict[str, Any]] | None = None, common: dict[str, Any] | None = None
) -> dict[str, Any]:
    """The plan of some instances of the cluster, with the messages of its requirements as ``problems``."""
    made = plan(instances, ZONES if zones is None else zones, CLUSTER, COMMON if common is None else common)
    assert not any(item["met"] for item in made["requirements"])
    return {**made, "problems": [item["message"] for item in made["requirements"]]}
