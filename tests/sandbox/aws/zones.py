# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A hosted zone, for the tests of Route 53."""

from __future__ import annotations

from typing import Any


def record_set(name: str, kind: str, *values: str, **more: Any) -> dict[str, Any]:
    """Return a record set of example.com."""
    full = f"{name}.example.com" if name else "example.com"
    contents = {} if "AliasTarget" in more else {"TTL": 300, "ResourceRecords": [{"Value": value} for value in values]}
    return {"Name": full, "Type": kind, **contents, **more}


class Zone:
    """A hosted zone and a client of it."""

    def __init__(self, client: Any, name: str = "example.com") -> None:
        self.client = client
        self.id = client.create_hosted_zone(Name=name, CallerReference=name)["HostedZone"]["Id"].rpartition("/")[2]

    def change(self, *changes: tuple[str, dict[str, Any]]) -> Any:
        """Send a batch of pairs of action and record set."""
        batch = {"Changes": [{"Action": action, "ResourceRecordSet": item} for action, item in changes]}
        return self.client.change_resource_record_sets(HostedZoneId=self.id, ChangeBatch=batch)

    def create(self, *items: dict[str, Any]) -> Any:
        """Create record sets."""
        return self.change(*[("CREATE", item) for item in items])

    def listed(self, **start: Any) -> list[dict[str, Any]]:
        """Return the record sets but those of the zone itself."""
        answer = self.client.list_resource_record_sets(HostedZoneId=self.id, **start)
        return [item for item in answer["ResourceRecordSets"] if item["Type"] not in ("NS", "SOA")]

    def names(self) -> list[str]:
        """Return names, types and set identifiers of the record sets."""
        return [" ".join(filter(None, (i["Name"], i["Type"], i.get("SetIdentifier")))) for i in self.listed()]
