# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Local and wavelength zones, which an account has once it opted in.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeAvailabilityZones.html,
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyAvailabilityZoneGroup.html
"""

from __future__ import annotations

from dataclasses import dataclass

from moto.ec2.models.availability_zones_and_regions import RegionsAndZonesBackend, Zone

LOCAL, WAVELENGTH = "local-zone", "wavelength-zone"


@dataclass(frozen=True)
class _Edge:
    name: str
    zone_id: str
    group: str
    zone_type: str
    parent: str


# Zones of the edge: name, id, group, type and parent zone.
EDGE_ZONES: dict[str, tuple[_Edge, ...]] = {
    "eu-central-1": (
        _Edge("eu-central-1-ham-1a", "euc1-ham1-az1", "eu-central-1-ham-1", LOCAL, "eu-central-1b"),
        _Edge("eu-central-1-wl1-ber-wlz-1", "euc1-wl1-ber-wlz1", "eu-central-1-wl1", WAVELENGTH, "eu-central-1a"),
    ),
    "us-east-1": (
        _Edge("us-east-1-bos-1a", "use1-bos1-az1", "us-east-1-bos-1", LOCAL, "us-east-1d"),
        _Edge("us-east-1-wl1-bos-wlz-1", "use1-wl1-bos-wlz1", "us-east-1-wl1", WAVELENGTH, "us-east-1c"),
    ),
}


class EdgeZone(Zone):
    """A zone that moto does not know."""

    def __init__(self, region: str, edge: _Edge) -> None:
        super().__init__(edge.name, region, edge.zone_id, edge.zone_type)
        self.zone_name = edge.name
        self.group_name = edge.group
        self.network_border_group = edge.group
        self.opt_in_status = "opted-in"
        self.parent_zone_name = edge.parent


def groups(region: str) -> set[str]:
    """Return the zone groups of a region that one can opt in to."""
    return {edge.group for edge in EDGE_ZONES.get(region, ())}


def opt_in(region: str, group: str) -> None:
    """Let the zones of a group appear in moto's region."""
    present = RegionsAndZonesBackend.zones[region]
    names = {zone.name for zone in present}
    for edge in EDGE_ZONES.get(region, ()):
        if edge.group == group and edge.name not in names:
            present.append(EdgeZone(region, edge))


def reset() -> None:
    """Opt out of everything."""
    for region in EDGE_ZONES:
        zones = RegionsAndZonesBackend.zones[region]
        zones[:] = [zone for zone in zones if not isinstance(zone, EdgeZone)]
