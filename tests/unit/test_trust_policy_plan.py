# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Service accounts merged into trust policies that others write too."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils import _policy
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError
from ansible_collections.ekspress.eks.plugins.module_utils._trust_policy_limits import too_long
from ansible_collections.ekspress.eks.plugins.module_utils._trust_policy_plan import (
    Issuer,
    is_pattern,
    merge,
    subject,
    without,
)
from hypothesis import assume, given
from hypothesis import strategies as st

ACCOUNT = "111122223333"
BLUE = Issuer.of("https://oidc.eks.eu-central-1.amazonaws.com/id/B1", "aws", ACCOUNT)
GREEN = Issuer.of("https://oidc.eks.eu-central-1.amazonaws.com/id/62", "aws", ACCOUNT)
GONE = Issuer.of("https://oidc.eks.eu-central-1.amazonaws.com/id/90", "aws", ACCOUNT)
LOST = Issuer.of("https://oidc-eks.eu-central-1.api.aws/id/91", "aws", ACCOUNT)
SUBJECTS = [subject(name) for name in ("vault:vault", "kube-system:dns", "web:*", "team-?:app", "default:x")]


def statement(issuer: Issuer, subjects: Any, operator: str = "StringEquals", **more: Any) -> dict[str, Any]:
    condition: dict[str, Any] = {"StringEquals": {issuer.audience_key: "sts.amazonaws.com"}}
    condition.setdefault(operator, {})[issuer.subject_key] = subjects
    return {
        "Effect": "Allow",
        "Principal": {"Federated": issuer.provider_arn},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": condition,
        **more,
    }


def policy(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


NODES = {"Sid": "Nodes", "Effect": "Allow", "Principal": {"Service": ["ec2.amazonaws.com"]}, "Action": "sts:AssumeRole"}
FOREIGN = [
    NODES,
    statement(BLUE, SUBJECTS[0], Effect="Deny"),
    statement(BLUE, SUBJECTS[0], Action=["sts:AssumeRoleWithWebIdentity", "sts:TagSession"]),
    statement(BLUE, SUBJECTS[0], Principal={"Federated": [BLUE.provider_arn, GREEN.provider_arn]}),
    {**statement(BLUE, SUBJECTS[0]), "Condition": {"StringEquals": {BLUE.subject_key: SUBJECTS[0]}}},
    {
        **statement(BLUE, SUBJECTS[0]),
        "Condition": {**statement(BLUE, SUBJECTS[0])["Condition"], "IpAddress": {"aws:SourceIp": "192.0.2.0/24"}},
    },
    {
        **statement(BLUE, SUBJECTS[0]),
        "Condition": {"StringEquals": {BLUE.audience_key: "other", BLUE.subject_key: SUBJECTS[0]}},
    },
    {
        **statement(BLUE, SUBJECTS[0]),
        "Condition": {
            "StringEquals": {**statement(BLUE, SUBJECTS[0])["Condition"]["StringEquals"], "aws:SourceVpc": "vpc-1"}
        },
    },
    statement(GREEN, SUBJECTS[1], Sid="Green"),
    statement(GREEN, SUBJECTS[:2]),
]
FOREIGN += [
    {**NODES, "Principal": "*"},
    {
        **NODES,
        "Principal": {"AWS": ["arn:aws:iam::111122223333:root", "*"]},
        "Condition": {"Bool": {"a": True, "b": 1}},
    },
    {key: value for key, value in NODES.items() if key != "Principal"} | {"NotPrincipal": {"AWS": "111122223333"}},
    {key: value for key, value in statement(BLUE, SUBJECTS[0]).items() if key != "Action"}
    | {"NotAction": "sts:TagSession"},
    {**statement(BLUE, SUBJECTS[0]), "Condition": {}},
    {**statement(BLUE, SUBJECTS[0]), "Condition": {"ForAnyValue:StringLike": {BLUE.subject_key: [SUBJECTS[0]]}}},
    {**statement(BLUE, SUBJECTS[0]), "Principal": {"Federated": BLUE.provider_arn, "AWS": "111122223333"}},
    {
        "Sid": "Pipeline",
        "Effect": "Allow",
        "Principal": {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/token.actions.githubusercontent.com"},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringLike": {"token.actions.githubusercontent.com:sub": "repo:example/*"}},
    },
]
OURS = [
    statement(BLUE, SUBJECTS[0]),
    statement(BLUE, SUBJECTS[:2], Sid="Eksctl"),
    statement(BLUE, SUBJECTS[2], "StringLike"),
    statement(BLUE, SUBJECTS[1:4], "StringLike"),
    statement(BLUE, SUBJECTS[2]),
]
ORPHANED = [
    statement(GONE, SUBJECTS[0], Sid="Old"),
    statement(GONE, SUBJECTS[1], Effect="Deny"),
    statement(GONE, SUBJECTS[1], Principal={"Federated": [GONE.provider_arn, LOST.provider_arn]}),
]
HALF_ORPHANED = [
    statement(GONE, SUBJECTS[0], Principal={"Federated": [GONE.provider_arn, GREEN.provider_arn]}),
    statement(GONE, SUBJECTS[0], Principal={"Federated": GONE.provider_arn, "AWS": "111122223333"}),
    statement(GONE, SUBJECTS[0], Principal={"AWS": "111122223333"}),
]
DEAD = [GONE.provider_arn, LOST.provider_arn]

documents = st.one_of(
    st.none(),
    st.lists(st.sampled_from(FOREIGN + OURS), min_size=1, max_size=5).map(lambda some: policy(*copy.deepcopy(some))),
    st.sampled_from(FOREIGN + OURS).map(lambda one: {"Version": "2008-10-17", "Statement": copy.deepcopy(one)}),
)
busy = st.lists(st.sampled_from(FOREIGN + OURS + ORPHANED + HALF_ORPHANED), min_size=1, max_size=7).map(
    lambda some: policy(*copy.deepcopy(some))
)
issuers = st.lists(st.sampled_from([BLUE, GREEN]), min_size=1, max_size=3)
wanted = st.sets(st.sampled_from(SUBJECTS), min_size=1)


def foreign_of(document: dict[str, Any] | None, issuer: Issuer = BLUE) -> list[str]:
    ours = [json.dumps(item) for item in OURS] if issuer is BLUE else []
    return [
        text for item in _policy.statements(document or {"Statement": []}) if (text := json.dumps(item)) not in ours
    ]


def trusted_by(document: dict[str, Any] | None, issuer: Issuer) -> set[str]:
    """The subjects let in by plain statements of an issuer, read the long way."""
    found = set()
    for item in _policy.statements(document) if document else []:
        condition = item.get("Condition", {})
        plain = {
            "Effect": "Allow",
            "Principal": {"Federated": issuer.provider_arn},
            "Action": "sts:AssumeRoleWithWebIdentity",
        }
        if {key: value for key, value in item.items() if key not in ("Sid", "Condition")} != plain:
            continue
        if condition.get("StringEquals", {}).get(issuer.audience_key) != "sts.amazonaws.com":
            continue
        if set(condition) - {"StringEquals", "StringLike"} or sum(map(len, condition.values())) != 2:
            continue
        exact = _policy.as_list(condition["StringEquals"].get(issuer.subject_key, []))
        found |= {text for text in exact if not is_pattern(text)}
        found |= set(_policy.as_list(condition.get("StringLike", {}).get(issuer.subject_key, [])))
    return found


@given(documents, wanted, st.booleans())
def test_all_wanted_are_trusted_and_a_second_merge_changes_nothing(
    document: dict[str, Any] | None, subjects: set[str], purge: bool
) -> None:
    before = copy.deepcopy(document)
    plan = merge(document, [BLUE], subjects, purge=purge)
    assert document == before
    now = trusted_by(plan.after, BLUE)
    assert now == (subjects if purge else subjects | trusted_by(document, BLUE))
    assert {item.subject for item in plan.unlisted} == now - subjects
    again = merge(plan.after, [BLUE], subjects, purge=purge)
    assert not again.changed
    assert again.after == plan.after
    assert plan.changed or now == trusted_by(document, BLUE)
    assert plan.changed or plan.after == document


@given(documents, wanted, st.booleans())
def test_foreign_statements_stay_byte_for_byte_in_their_order(
    document: dict[str, Any] | None, subjects: set[str], purge: bool
) -> None:
    after = merge(document, [BLUE], subjects, purge=purge).after
    kept = [json.dumps(item) for item in _policy.statements(after or {})]
    kept = [text for text in kept if text in foreign_of(document)]
    assert kept == foreign_of(document)
    assert (after or {})["Version"] == (document or {"Version": "2012-10-17"})["Version"]
    assert trusted_by(after, GREEN) == trusted_by(document, GREEN)


@given(busy, issuers, wanted)
def test_add_then_remove_is_as_before(document: dict[str, Any], some: list[Issuer], subjects: set[str]) -> None:
    # One without effect cannot be told from one that was added; see test_one_without_effect_….
    assume(OURS[4] not in document["Statement"])
    after = merge(document, some, subjects)
    back: Any = after.after
    for item in after.added:
        (issuer,) = (each for each in (BLUE, GREEN) if each.url == item.issuer)
        back = without(back, [issuer], [item.subject]).after
    assert (back or policy()) == document


@given(busy, issuers, wanted, st.booleans(), st.randoms(use_true_random=False))
def test_the_order_in_which_things_are_given_does_not_count(
    document: dict[str, Any], some: list[Issuer], subjects: set[str], prune: bool, random: Any
) -> None:
    turned = [*some, *some]
    random.shuffle(turned)
    listed = sorted(subjects)
    random.shuffle(listed)
    gone = DEAD if prune else []
    plan = merge(document, some, subjects, prune=gone)
    assert json.dumps(merge(document, turned, listed, prune=gone[::-1]).after) == json.dumps(plan.after)


@given(busy, issuers, wanted, wanted)
def test_who_comes_first_does_not_count(
    document: dict[str, Any], some: list[Issuer], first: set[str], second: set[str]
) -> None:
    one = merge(merge(document, some, first).after, some, second).after
    other = merge(merge(document, some, second).after, some, first).after
    both = merge(document, some, first | second).after
    for issuer in (BLUE, GREEN):
        assert trusted_by(one, issuer) == trusted_by(other, issuer) == trusted_by(both, issuer)
    assert _policy.size(one or {}) == _policy.size(other or {}) == _policy.size(both or {})


@given(busy, issuers, wanted, st.booleans())
def test_several_issuers_at_once_are_the_same_as_one_after_the_other(
    document: dict[str, Any], some: list[Issuer], subjects: set[str], purge: bool
) -> None:
    at_once = merge(document, some, subjects, purge=purge)
    step: Any = document
    for issuer in sorted(some, key=lambda each: each.provider_arn):
        step = merge(step, [issuer], subjects, purge=purge).after
    assert json.dumps(step) == json.dumps(at_once.after)
    assert {item.issuer for item in at_once.added} <= {issuer.url for issuer in some}


@given(busy, issuers, wanted)
def test_pruning_takes_statements_of_the_dead_alone(
    document: dict[str, Any], some: list[Issuer], subjects: set[str]
) -> None:
    plain = merge(document, some, subjects).after
    pruned = merge(document, some, subjects, prune=DEAD)
    dead = [json.dumps(item) for item in ORPHANED]
    assert plain is not None
    assert pruned.after is not None
    left = [text for item in plain["Statement"] if (text := json.dumps(item)) not in dead]
    assert [json.dumps(item) for item in pruned.after["Statement"]] == left
    assert bool(pruned.pruned) == (len(left) < len(plain["Statement"]))
    assert not merge(pruned.after, some, subjects, prune=DEAD).changed
    assert merge(document, some, subjects, prune=DEAD[:1]).after is not None


@given(busy, issuers, st.one_of(st.none(), wanted), st.booleans())
def test_taking_out_leaves_every_foreign_statement(
    document: dict[str, Any], some: list[Issuer], subjects: set[str] | None, prune: bool
) -> None:
    plan = without(document, some, subjects, prune=DEAD if prune else ())
    for issuer in set(some):
        left = trusted_by(plan.after, issuer)
        assert left == (set() if subjects is None else trusted_by(document, issuer) - subjects)
    ours = {
        json.dumps(item)
        for item in [
            *OURS,
            *(
                item
                for item in FOREIGN
                if item["Principal" if "Principal" in item else "NotPrincipal"] == {"Federated": GREEN.provider_arn}
            ),
            *(ORPHANED if prune else []),
        ]
    }
    foreign = [text for item in document["Statement"] if (text := json.dumps(item)) not in ours]
    kept = [json.dumps(item) for item in (plan.after or policy())["Statement"]]
    assert [text for text in kept if text in foreign] == foreign
    assert not without(plan.after, some, subjects, prune=DEAD if prune else ()).changed


def test_one_without_effect_is_replaced_when_purging() -> None:
    document = policy(statement(BLUE, "system:serviceaccount:web:*"))
    kept = merge(document, [BLUE], ["system:serviceaccount:web:*"]).after
    assert kept == policy(*document["Statement"], statement(BLUE, "system:serviceaccount:web:*", "StringLike"))
    purged = merge(document, [BLUE], ["system:serviceaccount:web:*"], purge=True).after
    assert purged == policy(statement(BLUE, "system:serviceaccount:web:*", "StringLike"))


@given(documents, wanted)
def test_two_issuers_do_not_disturb_each_other(document: dict[str, Any] | None, subjects: set[str]) -> None:
    blue = merge(document, [BLUE], subjects, purge=True).after
    both = merge(blue, [GREEN], subjects, purge=True).after
    assert trusted_by(both, BLUE) == trusted_by(both, GREEN) == subjects
    assert trusted_by(without(both, [GREEN]).after, BLUE) == subjects
    assert trusted_by(without(both, [GREEN]).after, GREEN) == set()


@given(wanted)
def test_exact_names_are_equal_and_only_wildcards_are_like(subjects: set[str]) -> None:
    after = merge(None, [BLUE], subjects, purge=False).after
    assert after is not None
    for item in after["Statement"]:
        condition = item["Condition"]
        assert condition["StringEquals"][BLUE.audience_key] == "sts.amazonaws.com"
        exact = _policy.as_list(condition["StringEquals"].get(BLUE.subject_key, []))
        like = _policy.as_list(condition.get("StringLike", {}).get(BLUE.subject_key, []))
        assert not any(map(is_pattern, exact))
        assert all(map(is_pattern, like))


@pytest.mark.parametrize("item", FOREIGN, ids=range(len(FOREIGN)))
def test_a_statement_of_another_shape_is_foreign(item: dict[str, Any]) -> None:
    plan = without(policy(item), [BLUE])
    assert not plan.changed
    assert plan.after == policy(item)


def test_both_conditions_under_string_like_are_understood() -> None:
    hand_made = {
        **statement(BLUE, ""),
        "Action": ["STS:AssumeRoleWithWebIdentity"],
        "Condition": {"StringLike": {BLUE.audience_key.upper(): ["sts.amazonaws.com"], BLUE.subject_key: SUBJECTS[:3]}},
    }
    assert not merge(policy(hand_made), [BLUE], SUBJECTS[:3], purge=True).changed
    assert without(policy(hand_made, NODES), [BLUE]).after == policy(NODES)
    assert without(policy(hand_made), [BLUE]).after is None


def test_subjects_are_added_to_the_statement_there_is() -> None:
    document = policy(NODES, statement(BLUE, SUBJECTS[0], Sid="Ours"))
    after = merge(document, [BLUE], SUBJECTS[:2], purge=False).after
    assert after == policy(NODES, statement(BLUE, [SUBJECTS[0], SUBJECTS[1]], Sid="Ours"))
    assert merge(after, [BLUE], SUBJECTS[:1], purge=True).after == document


def test_the_partition_and_issuer_are_one() -> None:
    issuer = Issuer.of("https://oidc.eks.cn-north-1.amazonaws.com.cn/id/C", "aws-cn", ACCOUNT)
    assert issuer.provider_arn == f"arn:aws-cn:iam::{ACCOUNT}:oidc-provider/oidc.eks.cn-north-1.amazonaws.com.cn/id/C"
    assert issuer.subject_key == "oidc.eks.cn-north-1.amazonaws.com.cn/id/C:sub"
    with pytest.raises(EksError, match="not an OIDC issuer"):
        Issuer.of("oidc.eks.cn-north-1.amazonaws.com.cn/id/C", "aws-cn", ACCOUNT)


def test_the_quota_says_now_wanted_and_what_to_do() -> None:
    many = [subject(f"namespace-{number:03d}:service-account") for number in range(40)]
    document = policy(NODES)
    plan = merge(document, [BLUE], many)
    assert plan.after is not None
    said = too_long(plan, 2048, "max_length")
    for words in (
        str(_policy.size(plan.after)),
        str(_policy.size(document)),
        "2048",
        "Pod Identity",
        "a role of its own",
        "grants up to 4096) and set max_length",
    ):
        assert words in said
    assert "no more than 4096" in too_long(plan, 4096, "max_length") or _policy.size(plan.after) <= 4096
    assert too_long(plan, _policy.size(plan.after), "max_length") == ""
    assert too_long(plan, _policy.size(plan.after) - 1, "max_length") != ""
    shrunk = merge(plan.after, [BLUE], many[:35], purge=True)
    assert too_long(shrunk, 100, "max_length") == ""
    assert too_long(merge(plan.after, [BLUE], many), 100, "max_length") == ""


def test_at_the_highest_quota_there_is_nothing_to_raise() -> None:
    many = [subject(f"namespace-{number:03d}:service-account") for number in range(100)]
    said = too_long(merge(policy(NODES), [BLUE], many), 4096, "max_length")
    assert "the quota is 4096" in said
    assert "no more than 4096" in said
    assert "have the quota" not in said
