# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Hosted zones as they are described and asked for."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils import _hosted_zones_model as model
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError
from hypothesis import given
from hypothesis import strategies as st

LABELS = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
NAMES = st.lists(LABELS, min_size=1, max_size=4).map(".".join)


def described(zone_id: str = "Z1", name: str = "example.com.", private: bool = False, **more: Any) -> dict[str, Any]:
    return {"Id": f"/hostedzone/{zone_id}", "Name": name, "Config": {"PrivateZone": private}, **more}


def test_a_zone_is_read_whole_and_with_the_least_that_route_53_answers() -> None:
    whole = described(
        "Z2",
        "Example.COM.",
        True,
        ResourceRecordSetCount=7,
        LinkedService={"ServicePrincipal": "servicediscovery.amazonaws.com", "Description": "Cloud Map"},
    )
    whole["Config"]["Comment"] = "internal"
    assert model.zone(whole) == model.Zone("Z2", "example.com", True, "internal", 7, "servicediscovery.amazonaws.com")
    assert model.zone({"Id": "Z3", "Name": "example.org"}) == model.Zone("Z3", "example.org", False, "", 0, "")


@pytest.mark.parametrize(
    ("ids", "domains", "private", "found"),
    [
        ([], [], None, ["Z1", "Z2", "Z3"]),
        (["Z3"], [], None, ["Z3"]),
        ([], ["example.com"], None, ["Z1", "Z2"]),
        (["Z3"], ["example.com"], True, ["Z2"]),
        ([], [], False, ["Z1", "Z3"]),
        (["Z9"], ["com"], None, []),
    ],
)
def test_zones_are_chosen_by_id_or_name_and_kind(
    ids: list[str], domains: list[str], private: bool | None, found: list[str]
) -> None:
    zones = [
        model.zone(item) for item in (described("Z3", "example.org."), described("Z2", private=True), described("Z1"))
    ]
    assert [item.zone_id for item in model.chosen(zones, ids, domains, private)] == found


@given(NAMES, NAMES)
def test_a_name_is_within_itself_and_what_is_above_it(name: str, below: str) -> None:
    assert model.is_within(name, name)
    assert model.is_within(f"{below}.{name}", name)
    assert not model.is_within(f"{below}-{name}", name) or below.endswith(f".{name}")
    assert model.is_domain(name)


@given(NAMES)
def test_a_name_is_compared_whatever_its_case_and_last_dot(name: str) -> None:
    assert model.bare_name(f"{name.upper()}.") == name
    assert model.check_domains([f"{name.upper()}."], "domains") == [name]


@pytest.mark.parametrize(
    "wrong", ["", ".", "a..b", "-a.b", "a_.b-", "ä.example.com", "*.example.com", f"{'a' * 64}.com"]
)
def test_what_is_no_name_is_refused(wrong: str) -> None:
    with pytest.raises(EksError, match="which is not a domain name"):
        model.check_domains(["example.com", wrong], "domains")


@pytest.mark.parametrize("wrong", ["", "example.com", "z1", "Z" * 33, "/hostedzone/"])
def test_what_is_no_id_is_refused(wrong: str) -> None:
    with pytest.raises(EksError, match="which is not the ID of a hosted zone"):
        model.check_ids(["Z1", wrong], "ids")
    assert model.check_ids(["/hostedzone/Z1"], "ids") == ["Z1"]
