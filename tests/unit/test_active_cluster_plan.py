# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The plan of active_cluster: one batch that Route 53 takes, from whatever there is to the two that are wanted."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils import _active_cluster_plan as records
from ansible_collections.ekspress.eks.plugins.module_utils._active_cluster_plan import Active, Names
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError
from hypothesis import given
from hypothesis import strategies as st

from sandbox.aws.strict import route53_batch

ZONE = route53_batch.Zone("Z1", "example.com.")
NAMES = Names("api.example.com", "_eks.api.example.com")
BLUE = Active("blue.gr7.eu-central-1.eks.amazonaws.com", "blue", "eu-central-1")
GREEN = Active("green.gr7.eu-central-1.eks.amazonaws.com", "green", "eu-central-1")
OWN = [
    {"Name": "example.com.", "Type": kind, "TTL": 900, "ResourceRecords": [{"Value": "x."}]} for kind in ("NS", "SOA")
]


def record(name: str, kind: str, value: str, **more: Any) -> dict[str, Any]:
    return {"Name": f"{name}.", "Type": kind, "TTL": 60, "ResourceRecords": [{"Value": value}], **more}


def cname(value: str, **more: Any) -> dict[str, Any]:
    return record(NAMES.stable, "CNAME", value, **more)


def txt(value: str, **more: Any) -> dict[str, Any]:
    return record(NAMES.txt, "TXT", f'"{value}"', **more)


def ours(active: Active, **more: Any) -> list[dict[str, Any]]:
    return [cname(active.host, **more), txt(records.text_of(active.cluster, active.region), **more)]


def applied(present: list[dict[str, Any]], plan: records.Plan) -> list[dict[str, Any]]:
    """What Route 53 has after the batch, without the zone's own records."""
    changes = [(item["Action"], item["ResourceRecordSet"]) for item in plan.changes]
    left, problems = route53_batch.apply(ZONE, [*OWN, *present], changes, lambda *_given: [])
    assert problems == []
    return [item for item in left if item not in OWN]


ACTIVES = st.builds(
    Active,
    host=st.from_regex(r"[a-z0-9]{1,20}\.eks\.amazonaws\.com", fullmatch=True),
    cluster=st.from_regex(r"[0-9A-Za-z][0-9A-Za-z_-]{0,30}", fullmatch=True),
    region=st.sampled_from(["eu-central-1", "us-gov-west-1", "cn-north-1", "eusc-de-east-1"]),
)
CURRENT = st.one_of(
    st.just([]),
    st.builds(lambda active, ttl: ours(active, TTL=ttl), ACTIVES, st.integers(1, 86400)),
    st.builds(lambda active: [ours(active)[1]], ACTIVES),
)


@given(present=CURRENT, wanted=st.none() | ACTIVES, ttl=st.integers(1, 86400))
def test_one_batch_leads_there_and_a_second_run_has_none(
    present: list[dict[str, Any]], wanted: Active | None, ttl: int
) -> None:
    plan = records.plan(present, NAMES, wanted, ttl, overwrite=False)
    after = applied(present, plan)
    assert records.active_of(after, NAMES) == wanted
    assert len(after) == (2 if wanted else 0)
    assert all(item["TTL"] == ttl for item in after)
    assert plan.after == records.shown(*(after or (None, None)))
    again = records.plan(after, NAMES, wanted, ttl, overwrite=False)
    assert again.changes == []
    assert again.before == again.after


@given(active=ACTIVES)
def test_a_text_says_what_it_was_made_of(active: Active) -> None:
    text = records.text_of(active.cluster, active.region)
    assert records.read_text(text) == (active.cluster, active.region)
    assert records.read_text(f"{text} account=1") == (active.cluster, active.region)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "v=eks2 cluster=blue region=eu-central-1",
        "v=spf1 include:example.com ~all",
        "v=eks1 cluster=blue",
        "v=eks1 region=eu-central-1",
        "v=eks1 cluster=blue region=eu-central-1 cluster=green",
        "v=eks1 cluster=blue region=evil.example.com/",
        "v=eks1 cluster=a/b region=eu-central-1",
        "heritage=external-dns,external-dns/owner=blue",
        "blue",
    ],
)
def test_other_texts_are_not_ours(text: str) -> None:
    assert records.read_text(text) is None
    with pytest.raises(EksError, match="did not write"):
        records.plan([cname(BLUE.host), txt(text)], NAMES, GREEN, 60, overwrite=False)


def test_a_switch_deletes_exactly_what_was_read() -> None:
    """So Route 53 refuses it where somebody wrote in between."""
    plan = records.plan(ours(BLUE, TTL=30), NAMES, GREEN, 60, overwrite=False)
    assert [(item["Action"], item["ResourceRecordSet"]["TTL"]) for item in plan.changes] == [
        ("DELETE", 30),
        ("DELETE", 30),
        ("CREATE", 60),
        ("CREATE", 60),
    ]


def test_what_is_right_already_is_not_in_the_batch() -> None:
    present = [cname("BLUE.gr7.eu-central-1.eks.amazonaws.com."), ours(GREEN)[1]]
    plan = records.plan(present, NAMES, BLUE, 60, overwrite=False)
    assert {item["ResourceRecordSet"]["Type"] for item in plan.changes} == {"TXT"}


FOREIGN = {
    "a CNAME without our TXT": ([cname("somewhere.example.org.")], "no TXT record", True),
    "a TXT of somebody": ([txt("v=spf1 -all")], "did not write", True),
    "an address": ([record(NAMES.stable, "A", "192.0.2.1")], r"other records \(A\)", False),
    "a CNAME in the TXT's place": ([record(NAMES.txt, "CNAME", "x.example.org.")], "has a CNAME record", False),
    "a weighted CNAME": ([cname(BLUE.host, SetIdentifier="1", Weight=1), ours(BLUE)[1]], "routing policy", False),
    "two texts": ([{**txt("a"), "ResourceRecords": [{"Value": '"a"'}, {"Value": '"b"'}]}], "several values", False),
    "an alias": (
        [{"Name": f"{NAMES.stable}.", "Type": "CNAME", "AliasTarget": {"DNSName": "x."}}, ours(BLUE)[1]],
        "is an alias",
        False,
    ),
}


@pytest.mark.parametrize(("present", "message", "replaceable"), FOREIGN.values(), ids=FOREIGN)
def test_records_of_others_are_refused(present: list[dict[str, Any]], message: str, replaceable: bool) -> None:
    with pytest.raises(EksError, match=message):
        records.plan(present, NAMES, BLUE, 60, overwrite=False)
    if replaceable:
        assert records.active_of(applied(present, records.plan(present, NAMES, BLUE, 60, True)), NAMES) == BLUE
    else:
        with pytest.raises(EksError, match=message):
            records.plan(present, NAMES, BLUE, 60, overwrite=True)


def test_removing_leaves_records_of_others_at_the_names() -> None:
    present = [record(NAMES.stable, "A", "192.0.2.1"), ours(BLUE)[1]]
    plan = records.plan(present, NAMES, None, 60, overwrite=False)
    assert applied(present, plan) == present[:1]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("example.com", "the hosted zone itself"),
        ("api.example.org", "not within the hosted zone"),
        ("notexample.com", "not within the hosted zone"),
        ("", "not a domain name"),
        ("a b.example.com", "not a domain name"),
        ("*.example.com", "not a domain name"),
        ("a." * 122 + "example.com", "not a domain name"),
    ],
)
def test_names_that_cannot_be(name: str, message: str) -> None:
    with pytest.raises(EksError, match=message):
        records.names(name, "example.com")


def test_names_are_compared_in_one_form() -> None:
    assert records.names("API.Example.com.", "example.com") == NAMES


@pytest.mark.parametrize(
    "endpoint", ["http://a.example.com", "https://", "https://127.0.0.1:6443", "https://[::1]", "a.example.com", ""]
)
def test_endpoints_that_are_no_host_names(endpoint: str) -> None:
    with pytest.raises(EksError, match="leads to a host name only"):
        records.host_of(endpoint, "blue")
