# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The controller's choice of subnets, by its documented rules."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils._subnet_discovery import (
    FEW_ADDRESSES,
    OTHER_CLUSTER,
    Discovery,
    as_result,
    discover,
    isolated_picks,
)
from ansible_collections.ekspress.eks.plugins.module_utils._subnet_model import (
    PRIVATE_ROLE_TAG,
    PUBLIC_ROLE_TAG,
    Subnet,
)
from ansible_collections.ekspress.eks.plugins.module_utils._subnet_routes import Reach

BLUE, GREEN = "kubernetes.io/cluster/blue", "kubernetes.io/cluster/green"


def subnet(number: int, zone: str, free: int = 100, **tags: str) -> Subnet:
    known = {"elb": PUBLIC_ROLE_TAG, "internal": PRIVATE_ROLE_TAG, "blue": BLUE, "green": GREEN}
    return Subnet(f"subnet-{number}", zone, "10.0.0.0/24", free, "", {known[key]: tags[key] for key in tags})


def found(
    *subnets: Subnet, scheme: str = "internet_facing", public: Iterable[int] = (), types: str = "availability-zone"
) -> Discovery:
    return discover("blue", subnets, reach(subnets, public), {item.subnet_id: types for item in subnets}, scheme)


def reach(subnets: Iterable[Subnet], public: Iterable[int] = (), isolated: Iterable[int] = ()) -> dict[str, Reach]:
    def one(subnet_id: str) -> Reach:
        number = int(subnet_id.removeprefix("subnet-"))
        target = "" if number in isolated else "nat-1"
        return Reach("private", "", "", "rtb-1", False, target, number in public)

    return {item.subnet_id: one(item.subnet_id) for item in subnets}


def ids(discovery: Discovery) -> dict[str, str]:
    return {zone: picked.subnet_id for zone, picked in discovery.picks.items()}


def test_one_a_zone_the_lowest_id_first() -> None:
    got = found(subnet(3, "a", elb="1"), subnet(1, "a", elb=""), subnet(2, "b", elb="1"), subnet(0, "b", internal="1"))
    assert ids(got) == {"a": "subnet-1", "b": "subnet-2"}
    assert got.passed_over == {"a": ("subnet-3",), "b": ()}
    assert (got.found_by, got.problem) == ("role_tag", "")


def test_the_own_cluster_tag_comes_first_whatever_its_value() -> None:
    got = found(subnet(1, "a", elb="1"), subnet(2, "a", elb="1", blue="any"), subnet(3, "b", elb="1"))
    assert ids(got) == {"a": "subnet-2", "b": "subnet-3"}


def test_only_1_and_empty_count_as_role_tag() -> None:
    got = found(subnet(1, "a", elb="true"), subnet(2, "a", elb="0"), subnet(3, "a", elb="1"))
    assert ids(got) == {"a": "subnet-3"}


def test_another_clusters_tag_and_few_addresses_refuse() -> None:
    got = found(
        subnet(1, "a", elb="1", green="shared"),
        subnet(2, "a", elb="1", green="shared", blue="shared"),
        subnet(3, "b", 7, elb="1"),
        subnet(4, "c", 8, elb="1"),
    )
    assert ids(got) == {"a": "subnet-2", "c": "subnet-4"}
    assert got.refused == {"subnet-1": OTHER_CLUSTER, "subnet-3": FEW_ADDRESSES}
    assert got.refused_for_cluster == ["subnet-1"]


def test_reachability_counts_only_where_no_subnet_has_the_role_tag() -> None:
    subnets = [subnet(1, "a"), subnet(2, "b"), subnet(3, "c", internal="1")]
    public = found(*subnets, public=[1, 2])
    assert (public.found_by, ids(public)) == ("reachability", {"a": "subnet-1", "b": "subnet-2"})
    private = found(*subnets, public=[1, 2], scheme="internal")
    assert (private.found_by, ids(private)) == ("role_tag", {"c": "subnet-3"})
    refused = found(subnet(1, "a", elb="1", green="shared"), subnet(2, "b"), public=[1, 2])
    assert (refused.found_by, ids(refused)) == ("role_tag", {})


@pytest.mark.parametrize(
    ("types", "zones", "problem"),
    [
        ({}, [], "no subnet is eligible"),
        ({}, ["a"], "only zone a"),
        ({1: "local-zone"}, ["a"], ""),
        ({1: "outpost"}, ["a", "b"], "several zone types (availability-zone, outpost)"),
        ({}, ["a", "b"], ""),
    ],
)
def test_problems(types: dict[int, str], zones: list[str], problem: str) -> None:
    subnets = [subnet(number, zone, elb="1") for number, zone in enumerate(zones, start=1)]
    by_id = {f"subnet-{number}": types.get(number, "availability-zone") for number in range(1, len(zones) + 1)}
    got = discover("blue", subnets, reach(subnets), by_id, "internet_facing")
    assert problem in got.problem
    assert bool(problem) == bool(got.problem)


def test_isolated_picks_are_noticed_only_where_another_choice_has_a_route() -> None:
    subnets = [subnet(1, "a", internal="1"), subnet(2, "a", internal="1"), subnet(3, "b", internal="1")]
    got = discover(
        "blue", subnets, reach(subnets), dict.fromkeys(("subnet-1", "subnet-2", "subnet-3"), "x"), "internal"
    )
    assert [item.subnet_id for item in isolated_picks(got, reach(subnets, isolated=[1, 3]))] == ["subnet-1"]
    assert isolated_picks(got, reach(subnets, isolated=[1, 2, 3])) == []
    assert isolated_picks(got, reach(subnets, isolated=[2])) == []


def test_result_is_plain_data() -> None:
    subnets = [subnet(1, "a", elb="1"), subnet(2, "a", elb="1"), subnet(3, "b", 0, elb="1")]
    got = as_result(found(*subnets), {item.subnet_id: "availability-zone" for item in subnets}, reach(subnets))
    assert got["zones"]["a"] == {
        "subnet_id": "subnet-1",
        "name": "",
        "cidr": "10.0.0.0/24",
        "zone_type": "availability-zone",
        "default_route": "nat-1",
        "free_addresses": 100,
        "passed_over": ["subnet-2"],
    }
    assert got["refused"] == [{"subnet_id": "subnet-3", "reason": FEW_ADDRESSES}]
