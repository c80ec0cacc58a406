# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The real aws-iam-authenticator is the judge: it takes identities for whom aws_auth's plan says it does.

It is asked itself, past the API server's memory of tokens. What the unit tests have in its place is judged here too.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
import yaml
from ansible_collections.ekspress.eks.plugins.module_utils._aws_auth_model import Entry, Tracked, Wanted
from ansible_collections.ekspress.eks.plugins.module_utils._aws_auth_plan import plan
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError
from ansible_collections.ekspress.eks.plugins.module_utils._token import EksToken
from hypothesis import HealthCheck, Phase, assume, event, given, settings
from hypothesis import strategies as st

from tests.doors import Doors, Keys, Known, at_the_doors, known
from tests.sandbox_fixtures import RunningSandbox
from tests.support import wait_until
from tests.unit.aws_auth_authenticator import BrokenError, mappings
from tests.unit.aws_auth_texts import GROUPS, ROLES, TEXTS, USERNAMES, Text

ACCOUNT, OTHER_ACCOUNT = "111122223333", "444455556666"
SESSION = "alice@example.com"
IAM = f"arn:aws:iam::{ACCOUNT}:"
MARKER = f"{IAM}user/marker"
examples = settings(
    deadline=None,
    max_examples=30,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.filter_too_much],
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
)


@dataclass
class Judge:
    """The authenticator of a cluster, and identities of an account that ask to be let in."""

    doors: Doors
    access_keys: dict[str, str] = field(default_factory=dict)
    """By the ARN by which the authenticator looks an identity up, in small letters."""
    tokens: dict[str, EksToken] = field(default_factory=dict, repr=False)
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def add(self, arn: str, keys: Keys) -> None:
        """Have an identity that asks to be let in."""
        self.access_keys[arn.lower()] = keys["access_key"]
        self.tokens[arn.lower()] = EksToken(self.doors.session_of(keys), self.doors.cluster)

    def put(self, data: Mapping[str, str]) -> None:
        """Have texts in aws-auth, and wait until the authenticator has read them: it reads all of them at once."""
        name = f"read-{next(self.numbers)}"
        key = "mapUsers"
        marker = json.dumps([{"userarn": MARKER, "username": name, "groups": []}])
        if key in data:
            users = data[key].rstrip("\n")
            marker = f"{users}\n- {{userarn: '{MARKER}', username: {name}, groups: []}}\n"
        self.doors.aws_auth(**{**data, key: marker})
        wait_until(lambda: self.doors.resolved(self.tokens[MARKER]()) == known(name), f"{name} in {data}")

    def says(self) -> dict[str, Known | None]:
        """Who it takes each identity for."""
        return {arn: self.doors.resolved(token()) for arn, token in self.tokens.items() if arn != MARKER}

    def expected(self, mapped: Mapping[str, tuple[str, tuple[str, ...]]]) -> dict[str, Known | None]:
        """Who identities are for whoever has these mappings by ARN in small letters, and account."""
        return {arn: self._one(arn, mapped) for arn in self.tokens if arn != MARKER}

    def _one(self, arn: str, mapped: Mapping[str, tuple[str, tuple[str, ...]]]) -> Known | None:
        found = mapped.get(arn)
        if found is None:
            return known(self._canonical(arn)) if ACCOUNT in mapped else None
        username, groups = found
        if any("{{EC2PrivateDNSName}}" in text for text in (username, *groups)):
            return None  # The session is not one of an instance.
        session = SESSION if ":role/" in arn else ""
        return known(*(rendered(text, session, self.access_keys[arn]) for text in (username, *groups)))

    def _canonical(self, arn: str) -> str:
        """The ARN as STS has it."""
        return next(one for one in (*ROLES, *SOME_ROLES, *USERS) if one.lower() == arn)


def rendered(text: str, session: str, access_key: str) -> str:
    """A username or group with the authenticator's placeholders replaced, in its order."""
    for name, value in (
        ("AccountID", ACCOUNT),
        ("SessionName", session.replace("@", "-")),
        ("SessionNameRaw", session),
        ("AccessKeyID", access_key),
    ):
        text = text.replace(f"{{{{{name}}}}}", value)
    return text


SOME_ROLES = [f"{IAM}role/Pathed"]
USERS = [f"{IAM}user/bob", f"{IAM}user/people/Carol"]


@pytest.fixture(scope="module")
def judge(sandbox: RunningSandbox) -> Iterator[Judge]:
    """The judge, with aws-auth to itself."""
    with at_the_doors(sandbox) as doors:
        made = Judge(doors)
        owner = doors.aws.account(ACCOUNT)
        iam = doors.aws.client("iam", credentials=owner)
        trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}}
        for arn in (*ROLES, *SOME_ROLES):
            path = "/teams/" if arn in SOME_ROLES else "/"
            document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
            role = iam.create_role(RoleName=arn.rpartition("/")[2], Path=path, AssumeRolePolicyDocument=document)
            sts = doors.aws.client("sts", credentials=owner)
            keys = sts.assume_role(RoleArn=role["Role"]["Arn"], RoleSessionName=SESSION)["Credentials"]
            made.add(
                arn,
                {
                    "access_key": keys["AccessKeyId"],
                    "secret_key": keys["SecretAccessKey"],
                    "session_token": keys["SessionToken"],
                },
            )
        for arn in (*USERS, MARKER):
            path, _, name = arn.partition(":user")[2].rpartition("/")
            iam.create_user(UserName=name, Path=f"{path}/")
            key = iam.create_access_key(UserName=name)["AccessKey"]
            made.add(arn, {"access_key": key["AccessKeyId"], "secret_key": key["SecretAccessKey"]})
        yield made


def effective(entries: Mapping[str, Entry]) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Mappings of a plan."""
    return {key: (entry.username, entry.groups) for key, entry in entries.items()}


def read(data: Mapping[str, str]) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Mappings as the unit tests' own reading has them."""
    found: dict[str, tuple[str, tuple[str, ...]]] = {}
    for section, key in (("accounts", "mapAccounts"), ("users", "mapUsers"), ("roles", "mapRoles")):
        try:
            found |= mappings(section, data.get(key, ""))
        except BrokenError:
            continue
    return found


wanted_roles = st.lists(
    st.builds(
        Entry,
        st.sampled_from(ROLES),
        st.sampled_from([*USERNAMES, "{{AccountID}}/{{SessionName}}", "{{SessionNameRaw}}", "{{AccessKeyID}}"]),
        st.lists(st.sampled_from([*GROUPS, "team-{{SessionName}}"]), max_size=3, unique=True).map(tuple),
    ),
    min_size=1,
    max_size=4,
    unique_by=lambda entry: entry.key,
).map(tuple)


@examples
@given(text=TEXTS, wanted=wanted_roles)
def test_it_takes_people_for_whom_the_plan_says(judge: Judge, text: Text, wanted: tuple[Entry, ...]) -> None:
    """Whatever style a text is in: before a merge, and after it, where the wanted ones are as wanted."""
    before = {"mapRoles": str(text)}
    made = plan(before, Tracked(), Wanted(roles=wanted), state="present")
    judge.put(before)
    assert judge.says() == judge.expected(read(before))
    judge.put(made.data_after)
    said = judge.says()
    assert said == judge.expected(effective(made.effective_after))
    meant = judge.expected({entry.key: (entry.username, entry.groups) for entry in wanted})
    assert {entry.key: said[entry.key] for entry in wanted} == {entry.key: meant[entry.key] for entry in wanted}


def _cased(draw: st.DrawFn, text: str) -> str:
    return draw(st.sampled_from([text, text, text.upper(), text.title(), text[:4] + text[4:].upper()]))


@st.composite
def items(draw: st.DrawFn, field_name: str) -> dict[str, Any]:
    """An entry: of anybody, in any form of the ARN, with keys in any case."""
    arn = draw(st.sampled_from([*ROLES[:3], *SOME_ROLES, *USERS]))
    name = arn.rpartition("/")[2]
    forms = [
        arn,
        arn,
        arn.upper(),
        arn.replace("arn:aws:iam", "ARN:aws:IAM"),
        f"{IAM}role/teams/{name}",
        f"arn:aws:sts::{ACCOUNT}:assumed-role/{name}/{SESSION}",
        arn.replace(ACCOUNT, OTHER_ACCOUNT),
        arn.replace("arn:aws:", "arn:aws-cn:"),
        f"{IAM}user/{name}",
    ]
    values: dict[str, Any] = {_cased(draw, field_name): draw(st.sampled_from(forms))}
    if draw(st.integers(0, 9)):
        names = ["dev", "{{SessionName}}", "{{AccountID}}:{{SessionNameRaw}}", "{{ SessionName }}", "{{Other}}"]
        values[_cased(draw, "username")] = draw(st.sampled_from(names))
    if draw(st.integers(0, 9)):
        groups = draw(st.lists(st.sampled_from(["a", "b", "{{SessionName}}", "system:masters"]), max_size=3))
        values[_cased(draw, "groups")] = draw(st.sampled_from([groups, groups, None]))
    if not draw(st.integers(0, 9)):
        values[draw(st.sampled_from(["rolearn", "userarn", "username", "note"]))] = draw(st.sampled_from(["x", arn]))
    keys = draw(st.permutations(list(values)))
    return {key: values[key] for key in keys}


accounts = st.lists(st.sampled_from([ACCOUNT, OTHER_ACCOUNT, "0123"]), max_size=2)


def dumped(draw: st.DrawFn, value: Any) -> str:
    """As YAML of a program; it is appended to, so in block style."""
    return yaml.safe_dump(value, sort_keys=False, default_flow_style=draw(st.sampled_from([False, None])), width=4096)


@st.composite
def documents(draw: st.DrawFn) -> dict[str, str]:
    """The three texts of aws-auth."""
    data = {}
    for key, field_name in (("mapRoles", "rolearn"), ("mapUsers", "userarn")):
        found = draw(st.lists(items(field_name), max_size=4))
        if found:
            data[key] = dumped(draw, found)
    if draw(st.integers(0, 3)) == 0:
        data["mapAccounts"] = yaml.safe_dump(draw(accounts))
    return data


@settings(examples, max_examples=60)
@given(data=documents())
def test_it_reads_documents_as_the_plan_reads_them(judge: Judge, data: dict[str, str]) -> None:
    """Any form of ARN, keys in any case, duplicates, users among roles, accounts, placeholders."""
    judge.put(data)
    said = judge.says()
    assert said == judge.expected(read(data))
    try:
        made = plan(data, Tracked(), Wanted(), state="present")
    except EksError:
        event("refused")
        return
    assert said == judge.expected(effective(made.effective_before))
    ignored = {key.arn for key in made.ignored}
    assert not ignored & {
        arn for arn, user in said.items() if user is not None and ACCOUNT not in made.effective_before
    }


@examples
@given(data=documents(), wanted=wanted_roles, absent=st.booleans(), collapse=st.booleans())
def test_a_change_is_what_was_planned(
    judge: Judge, data: dict[str, str], wanted: tuple[Entry, ...], absent: bool, collapse: bool
) -> None:
    try:
        made = plan(
            data,
            Tracked(),
            Wanted(roles=wanted),
            state="absent" if absent else "present",
            collapse=collapse and not absent,
        )
    except EksError:
        assume(False)
        return
    judge.put(made.data_after)
    said = judge.says()
    assert said == judge.expected(effective(made.effective_after))
    others = {arn for arn in judge.tokens if arn not in {MARKER, *(entry.key for entry in wanted)}}
    before = judge.expected(effective(made.effective_before))
    assert {arn: said[arn] for arn in others} == {arn: before[arn] for arn in others}
