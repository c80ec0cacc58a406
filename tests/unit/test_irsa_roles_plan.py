# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Plans of roles, carried out on a role in memory: idempotent, foreign-safe, to be cut anywhere."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable
from dataclasses import replace
from random import Random
from typing import Any
from unittest.mock import patch

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils import _iam_tags, _irsa_roles_plan
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError
from ansible_collections.ekspress.eks.plugins.module_utils._irsa_input import Wanted
from ansible_collections.ekspress.eks.plugins.module_utils._irsa_roles_plan import (
    Options,
    Plan,
    plan,
)
from ansible_collections.ekspress.eks.plugins.module_utils._irsa_tags import own_tags
from ansible_collections.ekspress.eks.plugins.module_utils._irsa_writes import Current, Write
from ansible_collections.ekspress.eks.plugins.module_utils._policy import size
from ansible_collections.ekspress.eks.plugins.module_utils._trust_policy_plan import Issuer
from hypothesis import given
from hypothesis import strategies as st

ISSUER = Issuer.of("https://oidc.eks.eu-central-1.amazonaws.com/id/B1", "aws", "111122223333")
ARN = "arn:aws:iam::111122223333:role/app"
DOCUMENTS = [
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": f"s3:{action}", "Resource": "*"}]}
    for action in ("GetObject", "ListBucket")
]
NODES = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
NO_PURGE = Options()
NAMES = ["one", "two", "three"]
ARNS = [f"arn:aws:iam::aws:policy/{name}" for name in NAMES]


def optional(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


wanted_roles = st.builds(
    Wanted,
    name=st.just("app"),
    service_accounts=optional(st.lists(st.sampled_from(["a:a", "b:b", "c:*"]), min_size=1, unique=True).map(tuple)),
    policies=optional(st.dictionaries(st.sampled_from(NAMES), st.sampled_from(DOCUMENTS))),
    managed_policy_arns=optional(st.lists(st.sampled_from(ARNS), unique=True).map(tuple)),
    permissions_boundary=optional(st.sampled_from(["", *ARNS])),
    tags=optional(st.dictionaries(st.sampled_from(["team", "Team", "x"]), st.sampled_from("ab"), max_size=1)),
    max_session_duration=optional(st.sampled_from([3600, 7200])),
    description=optional(st.sampled_from(["", "text"])),
)
foreign_roles = st.builds(
    Current,
    name=st.just("app"),
    arn=st.just(ARN),
    trust_policy=st.just({"Version": "2012-10-17", "Statement": [NODES]}),
    tags=st.dictionaries(st.sampled_from(["team", "y"]), st.sampled_from("ab")),
    permissions_boundary=st.sampled_from(["", ARNS[0]]),
    policies=st.dictionaries(st.sampled_from(NAMES), st.sampled_from(DOCUMENTS)),
    attached=st.frozensets(st.sampled_from(ARNS)),
)
one_or_two = st.sets(st.sampled_from(NAMES), min_size=1, max_size=2)
all_options = st.builds(Options, purge_policies=st.booleans(), purge_service_accounts=st.booleans())


class Memory:
    """A role as IAM keeps it, changed by the plan's calls."""

    def __init__(self, role: Current | None) -> None:
        self.role = copy.deepcopy(role)

    def make(self, writes: tuple[Write, ...]) -> None:
        for write in writes:
            getattr(self, f"_{write.operation}")(**write.arguments)

    @property
    def _role(self) -> Current:
        assert self.role is not None
        return self.role

    def _set(self, **fields: Any) -> None:
        self.role = replace(self._role, **fields)

    def seen_by(self, wanted: Wanted) -> Current | None:
        """What the module reads of it."""
        if self.role is None:
            return None
        policies = {name: self.role.policies[name] for name in wanted.policies or {} if name in self.role.policies}
        others = {name: size(document or {}) for name, document in self.role.policies.items() if name not in policies}
        return replace(
            self.role,
            policies=policies,
            other_policies=others,
            attached=self.role.attached if wanted.managed_policy_arns is not None else frozenset(),
        )

    def _create_role(self, **given_: Any) -> None:
        assert self.role is None
        self.role = Current(
            name=given_["RoleName"],
            arn=ARN,
            path=given_["Path"],
            trust_policy=json.loads(given_["AssumeRolePolicyDocument"]),
            tags={tag["Key"]: tag["Value"] for tag in given_.get("Tags", [])},
            permissions_boundary=given_.get("PermissionsBoundary", ""),
            max_session_duration=given_["MaxSessionDuration"],
            description=given_.get("Description", ""),
        )

    def _update_role(self, RoleName: str, Description: str, MaxSessionDuration: int) -> None:
        self._set(description=Description, max_session_duration=MaxSessionDuration)

    def _put_role_permissions_boundary(self, RoleName: str, PermissionsBoundary: str) -> None:
        self._set(permissions_boundary=PermissionsBoundary)

    def _delete_role_permissions_boundary(self, RoleName: str) -> None:
        self._set(permissions_boundary="")

    def _tag_role(self, RoleName: str, Tags: list[dict[str, str]]) -> None:
        new = {tag["Key"]: tag["Value"] for tag in Tags}
        folded = {key.lower() for key in new}
        self._set(tags={key: value for key, value in self._role.tags.items() if key.lower() not in folded} | new)

    def _untag_role(self, RoleName: str, TagKeys: list[str]) -> None:
        folded = {key.lower() for key in TagKeys}
        self._set(tags={key: value for key, value in self._role.tags.items() if key.lower() not in folded})

    def _put_role_policy(self, RoleName: str, PolicyName: str, PolicyDocument: str) -> None:
        self._set(policies={**self._role.policies, PolicyName: json.loads(PolicyDocument)})

    def _delete_role_policy(self, RoleName: str, PolicyName: str) -> None:
        self._set(policies={name: document for name, document in self._role.policies.items() if name != PolicyName})

    def _attach_role_policy(self, RoleName: str, PolicyArn: str) -> None:
        self._set(attached=self._role.attached | {PolicyArn})

    def _detach_role_policy(self, RoleName: str, PolicyArn: str) -> None:
        self._set(attached=self._role.attached - {PolicyArn})

    def _update_assume_role_policy(self, RoleName: str, PolicyDocument: str) -> None:
        self._set(trust_policy=json.loads(PolicyDocument))

    def _delete_role(self, RoleName: str) -> None:
        assert not self._role.policies
        assert not self._role.attached
        self.role = None


def planned(memory: Memory, wanted: Wanted, options: Options = NO_PURGE) -> Plan:
    return plan(wanted, memory.seen_by(wanted), ISSUER, options)


@given(optional(foreign_roles), st.lists(wanted_roles, min_size=1, max_size=3), all_options)
def test_what_is_wanted_is_reached_in_one_run_and_then_unchanged(
    role: Current | None, wishes: list[Wanted], options: Options
) -> None:
    memory = Memory(role)
    for wanted in wishes:
        if memory.role is None and wanted.service_accounts is None:
            with pytest.raises(EksError, match="service_accounts is not given"):
                planned(memory, wanted, options)
            continue
        now = planned(memory, wanted, options)
        assert (now.before == now.after) == (not now.writes)
        memory.make(now.writes)
        again = planned(memory, wanted, options)
        assert again.state == "unchanged"
        assert not again.writes
        # What check mode shows is what was written.
        assert again.before == now.after
        _check(memory.role, wanted)


def _check(role: Current | None, wanted: Wanted) -> None:
    assert role is not None
    text = json.dumps(role.trust_policy)
    assert all(f'"system:serviceaccount:{item}"' in text for item in wanted.service_accounts or ())
    assert {**role.policies, **(wanted.policies or {})} == role.policies
    assert role.attached >= set(wanted.managed_policy_arns or ())
    assert {**role.tags, **(wanted.tags or {})} == role.tags
    for name in ("permissions_boundary", "max_session_duration", "description"):
        assert getattr(wanted, name) in (None, getattr(role, name))


@given(foreign_roles, st.lists(wanted_roles, min_size=1, max_size=4), all_options)
def test_foreign_content_is_never_lost(role: Current, wishes: list[Wanted], options: Options) -> None:
    memory = Memory(role)
    taken_over: set[str] = set()
    attachments: set[str] = set()
    for wanted in wishes:
        taken_over |= set(wanted.policies or {})
        attachments |= set(wanted.managed_policy_arns or ())
        memory.make(planned(memory, wanted, options).writes)
        assert memory.role is not None
        assert json.dumps(memory.role.trust_policy["Statement"][0]) == json.dumps(NODES)
        for name in set(role.policies) - taken_over:
            assert memory.role.policies[name] == role.policies[name]
        assert memory.role.attached >= role.attached - attachments
        assert memory.role.tags.get("y") == role.tags.get("y")


@given(optional(foreign_roles), wanted_roles, all_options, st.randoms(use_true_random=False))
def test_the_order_in_which_things_are_given_does_not_count(
    role: Current | None, wanted: Wanted, options: Options, random: Random
) -> None:
    wanted = replace(wanted, service_accounts=wanted.service_accounts or ("a:a",))

    def shuffled(items: Iterable[Any] | None) -> list[Any]:
        found = list(items or ())
        random.shuffle(found)
        return found

    other = replace(
        wanted,
        service_accounts=tuple(shuffled(wanted.service_accounts)),
        policies=None if wanted.policies is None else dict(shuffled(wanted.policies.items())),
        managed_policy_arns=None if wanted.managed_policy_arns is None else tuple(shuffled(wanted.managed_policy_arns)),
    )
    assert planned(Memory(role), other, options) == planned(Memory(role), wanted, options)


@pytest.mark.parametrize(
    ("most_attached", "most_characters", "most_tags"),
    [
        pytest.param(2, 1000, 50, id="attachments"),
        pytest.param(10, 2 * max(map(size, DOCUMENTS)), 50, id="inline policies"),
        pytest.param(10, 1000, 4, id="tags"),
    ],
)
@given(wishes=st.lists(st.tuples(one_or_two, one_or_two), min_size=2, max_size=4))
def test_quotas_are_kept_at_every_moment(
    most_attached: int, most_characters: int, most_tags: int, wishes: list[tuple[set[str], set[str]]]
) -> None:
    """Each wish fits by itself; a quota must not be passed on the way from one to the next."""
    options = Options(purge_policies=True, max_managed_policies=most_attached)
    memory = Memory(None)
    with patch.object(_irsa_roles_plan, "INLINE_SIZE", most_characters), patch.object(_iam_tags, "MAX_TAGS", most_tags):
        for inline, managed in wishes:
            wanted = Wanted(
                "app",
                service_accounts=("a:a",),
                policies=dict.fromkeys(sorted(inline), DOCUMENTS[0]),
                managed_policy_arns=tuple(f"arn:aws:iam::aws:policy/{name}" for name in sorted(managed)),
            )
            for write in planned(memory, wanted, options).writes:
                memory.make((write,))
                role = memory._role
                assert len(role.attached) <= most_attached
                assert sum(size(document or {}) for document in role.policies.values()) <= most_characters
                assert len(role.tags) <= most_tags


@given(optional(foreign_roles), wanted_roles, wanted_roles, st.integers(0, 12))
def test_a_run_cut_anywhere_is_finished_by_the_next(
    role: Current | None, first: Wanted, second: Wanted, calls: int
) -> None:
    options = Options(purge_policies=True, purge_service_accounts=True)
    first = replace(first, service_accounts=first.service_accounts or ("a:a",))
    whole, cut = Memory(role), Memory(role)
    whole.make(planned(whole, first, options).writes)
    cut.make(planned(cut, first, options).writes[:calls])
    if cut.role is not None and whole.role is not None:
        cut.make(planned(cut, first, options).writes)
        assert cut.role == whole.role
        whole.make(planned(whole, second, options).writes)
        cut.make(planned(cut, second, options).writes[:calls])
        cut.make(planned(cut, second, options).writes)
        assert cut.role == whole.role


@given(wanted_roles, all_options)
def test_create_then_remove_leaves_nothing(wanted: Wanted, options: Options) -> None:
    wanted = replace(wanted, service_accounts=wanted.service_accounts or ("a:a",))
    memory = Memory(None)
    memory.make(planned(memory, wanted, options).writes)
    gone = plan(replace(wanted, state="absent"), memory.role, ISSUER, options)
    memory.make(gone.writes)
    assert memory.role is None
    assert gone.state == "removed"
    assert gone.after is None


@given(foreign_roles, st.sampled_from([("a:a",), ("a:a", "c:*")]))
def test_add_then_remove_leaves_anothers_trust_as_before(role: Current, accounts: tuple[str, ...]) -> None:
    memory = Memory(role)
    wanted = Wanted("app", service_accounts=accounts)
    memory.make(planned(memory, wanted).writes)
    left = plan(Wanted("app", state="absent"), memory.role, ISSUER, Options())
    assert left.state == "updated"
    memory.make(left.writes)
    assert memory.role == role


def test_the_order_of_writes() -> None:
    role = Current(
        "app",
        ARN,
        trust_policy={"Version": "2012-10-17", "Statement": [NODES]},
        tags={"ekspress.eks/policy/old": "inline", "ekspress.eks/managed-policy/one": "aws"},
        attached=frozenset({ARNS[0]}),
    )
    wanted = Wanted(
        "app",
        service_accounts=("a:a",),
        policies={"new": DOCUMENTS[0]},
        managed_policy_arns=(ARNS[1],),
        permissions_boundary=ARNS[2],
        description="text",
    )
    made = plan(wanted, role, ISSUER, Options(purge_policies=True))
    assert [write.operation for write in made.writes] == [
        "update_role",
        "put_role_permissions_boundary",
        "tag_role",
        "put_role_policy",
        "attach_role_policy",
        "update_assume_role_policy",
        "delete_role_policy",
        "detach_role_policy",
        "untag_role",
    ]
    assert own_tags(dict(made.after or {})["tags"]) == {}


@pytest.mark.parametrize(
    ("wanted", "role", "said"),
    [
        (Wanted("app", path="/a/"), Current("app", ARN), "exists with the path '/' and is wanted with '/a/'"),
        (Wanted("app", tags={"new": ""}), Current("app", ARN, tags={str(n): "" for n in range(50)}), "51 tags"),
        (
            Wanted("app", managed_policy_arns=(ARNS[0],)),
            Current("app", ARN, attached=frozenset(f"arn:aws:iam::aws:policy/p{n}" for n in range(10))),
            "11 managed policies (now 10), and the quota is 10",
        ),
        (
            Wanted("app", service_accounts=tuple(f"namespace-{n}:service-account" for n in range(50))),
            Current("app", ARN, trust_policy={"Version": "2012-10-17", "Statement": [NODES]}),
            "max_trust_policy_length",
        ),
    ],
)
def test_what_cannot_be_reached_is_refused(wanted: Wanted, role: Current, said: str) -> None:
    with pytest.raises(EksError) as error:
        plan(wanted, role, ISSUER, Options())
    assert said in error.value.message
    assert error.value.message.startswith("IAM role 'app': ")


def test_tags_of_aws_do_not_count() -> None:
    tags = {str(number): "" for number in range(49)} | {f"aws:cloudformation:{number}": "" for number in range(3)}
    assert plan(Wanted("app", tags={"new": ""}), Current("app", ARN, tags=tags), ISSUER, Options()).state == "updated"


def test_a_policy_renamed_in_case_keeps_its_note() -> None:
    memory = Memory(None)
    for name in ("List", "list", "list"):
        wanted = Wanted("app", service_accounts=("a:b",), policies={name: DOCUMENTS[0]})
        made = planned(memory, wanted, Options(purge_policies=True))
        memory.make(made.writes)
    assert made.state == "unchanged"
    assert memory._role.tags == {"ekspress.eks/policy/list": "inline"}
    assert set(memory._role.policies) == {"list"}
