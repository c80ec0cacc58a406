# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Edits of single texts, texts that cannot be read, and scalars that must stay strings."""

from __future__ import annotations

import json
import time

import pytest
import yaml
from ansible_collections.ekspress.eks.plugins.module_utils import _aws_auth_nodes
from ansible_collections.ekspress.eks.plugins.module_utils._aws_auth_model import Entry, Tracked, Wanted
from ansible_collections.ekspress.eks.plugins.module_utils._aws_auth_plan import plan
from ansible_collections.ekspress.eks.plugins.module_utils._aws_auth_scalars import plain_or_quoted, quoted
from ansible_collections.ekspress.eks.plugins.module_utils._aws_auth_text import read
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.aws_auth_authenticator import mappings

ARN = "arn:aws:iam::111122223333:role/"
NEW = Entry(f"{ARN}new", "admin", ("system:masters", "no"))
LOADERS = [getattr(yaml, "CSafeLoader", yaml.SafeLoader), yaml.SafeLoader]
LISTED = f"""- rolearn: {ARN}new
  username: admin
  groups:
    - system:masters
    - "no"
"""
FLOW = f'{{"rolearn": "{ARN}new", "username": "admin", "groups": ["system:masters", "no"]}}'

strange = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1)


@pytest.fixture(params=LOADERS, ids=["libyaml", "python"])
def loader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_aws_auth_nodes, "LOADER", request.param)


def merged(text: str, *wanted: Entry, state: str = "present") -> str:
    return plan({"mapRoles": text}, Tracked(), Wanted(roles=wanted), state=state).data_after["mapRoles"]


@pytest.mark.usefixtures("loader")
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", LISTED),
        ("''", LISTED),
        ("[]", LISTED.removesuffix("\n")),
        ("[]\n", LISTED),
        ("null\n", LISTED),
        ("[ ]", f"[ {FLOW}]"),
        ("[] # none\n", f"[{FLOW}] # none\n"),
        ("null # none\n", f"[{FLOW}] # none\n"),
        ("# none", f"# none\n{LISTED}"),
        ("---\n...\n", f"---\n{LISTED}...\n"),
        ('[{"rolearn":"a"}]', f'[{{"rolearn":"a"}}, {FLOW}]'),
        ('[\n  {"rolearn":"a"}\n]\n', f'[\n  {{"rolearn":"a"}},\n  {FLOW}\n]\n'),
        ("- rolearn: a", f"- rolearn: a\n{LISTED}".removesuffix("\n")),
        ("- rolearn: a\r\n", f"- rolearn: a\n{LISTED}".replace("\n", "\r\n")),
        ("- rolearn: a\n  # its own\n# the end\n", f"- rolearn: a\n  # its own\n{LISTED}# the end\n"),
        (
            "  -   groups:\n      - x\n      rolearn: a\n",
            "  -   groups:\n      - x\n      rolearn: a\n"
            f'  -   rolearn: {ARN}new\n      username: admin\n      groups:\n      - system:masters\n      - "no"\n',
        ),
        (
            f"- rolearn: {ARN}NEW\n  x: 1 # y\n",
            f'- rolearn: {ARN}NEW\n  x: 1 # y\n  groups:\n    - system:masters\n    - "no"\n  username: admin\n',
        ),
        (
            f"- rolearn: {ARN}new\n  username: &n 'b' # who\n  groups: # which\n  - b # gone\n  # one\n  - 'no'\n",
            f"- rolearn: {ARN}new\n  username: admin # who\n  groups: # which\n  # one\n  - 'no'\n  - system:masters\n",
        ),
        (
            f"- {{rolearn: '{ARN}new', groups: [b, no], username}}",
            f'- {{rolearn: \'{ARN}new\', groups: ["system:masters", "no"], username: "admin"}}',
        ),
        (
            f"- rolearn: a\n  groups: &g [x]\n- rolearn: {ARN}new\n  username: admin\n  groups: *g\n",
            f"- rolearn: a\n  groups: &g [x]\n- rolearn: {ARN}new\n  username: admin\n"
            '  groups: ["system:masters", "no"]\n',
        ),
    ],
    ids=lambda text: repr(text[:24]) if text.startswith(("[", "'", "-", "#", "n", " ")) or not text else "after",
)
def test_texts_are_edited_in_their_own_style(before: str, after: str) -> None:
    assert merged(before, NEW) == after
    assert merged(after, NEW) == after


@pytest.mark.usefixtures("loader")
def test_the_groups_that_are_lost_leave_an_empty_list() -> None:
    text = f"- rolearn: {ARN}new\n  groups:\n  # which\n  - a\n  - b\n  username: admin\n"
    assert merged(text, Entry(NEW.arn, "admin")) == f"- rolearn: {ARN}new\n  groups: []\n  # which\n  username: admin\n"


@pytest.mark.usefixtures("loader")
def test_lines_that_go_and_come_at_the_end_of_a_text_without_a_break() -> None:
    text = f"- rolearn: a\n  username: u\n- rolearn: {ARN}new\n  username: admin\n  groups:\n  - a"
    assert merged(text, Entry(NEW.arn, "admin", ("b",))) == text.removesuffix("a") + "b"
    text = f"- rolearn: {ARN}a\n  username: u"
    assert merged(text, Entry(f"{ARN}a", "x"), NEW) == f"- rolearn: {ARN}a\n  username: x\n{LISTED}".removesuffix("\n")
    first = plan({"mapRoles": "[]"}, Tracked(), Wanted(roles=(NEW, Entry(f"{ARN}other", "x"))), state="present")
    changed = Wanted(roles=(Entry(NEW.arn, "admin", ("dev",)),))
    done = plan(first.data_after, first.tracked_after, changed, state="present", purge=True)
    assert done.data_after["mapRoles"] == f"- rolearn: {ARN}new\n  username: admin\n  groups:\n    - dev"


@pytest.mark.usefixtures("loader")
def test_the_last_entry_leaves_an_empty_list() -> None:
    assert merged(f"# head\n{LISTED}# tail\n", NEW, state="absent") == "# head\n[]\n# tail\n"
    assert merged(f"[{FLOW}]", NEW, state="absent") == "[]"
    assert plan({}, Tracked(), Wanted(roles=(NEW,), users=()), state="absent").data_after == {}


@pytest.mark.usefixtures("loader")
@pytest.mark.parametrize(
    ("section", "text", "line", "problem"),
    [
        ("roles", "- rolearn: a\n- {", "[23]", "not valid YAML"),
        ("roles", "- rolearn: a\n  username: 'x\n", 3, "not valid YAML"),
        ("roles", "- rolearn: a\n- rolearn: \x07\n", 2, "not valid YAML"),
        ("roles", "- rolearn: a\n  groups: *none\n", 2, r"alias \*none has no anchor"),
        ("roles", "- rolearn: a\n  groups: &g [*g]\n", 2, "&g holds an alias of itself"),
        ("roles", "rolearn: a\n", 1, "is a mapping, and must be a list"),
        ("users", "# x\njust text\n", 2, "is a single value, and must be a list"),
        ("roles", "- rolearn: a\n---\n- rolearn: b\n", 2, "several YAML documents"),
        ("roles", "- rolearn: a\n- text\n", 2, "an entry is no mapping"),
        ("users", "- userarn: a\n- [userarn]\n", 2, "an entry is no mapping; it must have userarn"),
        ("roles", "- rolearn: a\n- username: b\n", 2, "an entry has no rolearn"),
        ("roles", "- userarn: a\n", 1, "an entry has no rolearn"),
        ("roles", "- rolearn:\n", 1, "an entry has no rolearn"),
        ("roles", "- rolearn: 12\n", 1, "an entry has no rolearn that is a string"),
        ("roles", "- rolearn: a\n  ? [b]\n  : c\n", 2, "a key that is empty, a list or a mapping"),
        ("roles", "- rolearn: a\n  x: .inf\n", 2, "value .inf in it the authenticator reads nothing"),
        ("roles", "- &b {rolearn: a}\n- &c {<<: *b}\n- <<: *c\n", 3, "merges again; write it out"),
        ("accounts", "- '111122223333'\n- [x]\n", 2, "an account is a list or a mapping"),
    ],
)
def test_a_text_that_cannot_be_read_is_told_with_its_line(
    section: str, text: str, line: int | str, problem: str
) -> None:
    with pytest.raises(EksError, match=rf"map{section.title()} of .*aws-auth, line {line}: .*{problem}") as caught:
        read(text, section)
    assert "kubectl -n kube-system edit configmap aws-auth" in caught.value.message
    assert "state: restored" in caught.value.message
    assert "Nothing was written" in caught.value.message


@pytest.mark.usefixtures("loader")
@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (f"- &e\n  rolearn: {ARN}new\n- *e\n", "is an alias"),
        (f"- &e {{rolearn: {ARN}old, username: u}}\n- <<: *e\n  rolearn: {ARN}new\n", "username is merged"),
        (f"- rolearn: {ARN}new\n  username: a\n  username: b\n", "username is given twice"),
        (f"- rolearn: {ARN}new\n  Groups: [a]\n  groups: [b]\n", "groups is .*given twice"),
        (f"- rolearn: {ARN}new\n  username: &u x\n- rolearn: a\n  username: *u\n", "alias .u needs the anchor &u"),
        ("- rolearn: a\n  note: |\n    kept", "a form in which entries cannot be edited"),
    ],
)
def test_a_form_that_cannot_be_edited_safely_is_refused(text: str, problem: str) -> None:
    with pytest.raises(EksError, match=f"line [0-9]+: .*{problem}.*Nothing was written"):
        merged(text, NEW)


def test_an_entry_whose_anchor_others_need_is_not_removed() -> None:
    text = f"- rolearn: {ARN}new\n  groups: &g [a]\n- rolearn: a\n  groups: *g\n"
    with pytest.raises(EksError, match=r"line 4: the alias .g needs the anchor &g"):
        merged(text, NEW, state="absent")


@pytest.mark.usefixtures("loader")
@pytest.mark.parametrize(
    ("text", "line"),
    [
        (f"- rolearn: {ARN}new\n  groups: &g\n  - a\n- rolearn: a\n  groups: *g\n", 4),
        (f"- {{rolearn: {ARN}new, groups: &g [a]}}\n- {{rolearn: a, groups: *g}}\n", 2),
        (f"- &e\n  rolearn: {ARN}new\n- <<: *e\n  rolearn: a\n", 3),
        (f"- rolearn: a\n- rolearn: {ARN}new\n  groups: &g [a]\n  note: *g\n", 2),
    ],
)
def test_an_entry_that_others_take_over_is_not_changed_for_it_would_change_theirs(text: str, line: int) -> None:
    with pytest.raises(EksError, match=f"line {line}: .*Nothing was written"):
        merged(text, NEW)


def test_accounts_are_read_as_they_are_written() -> None:
    live = {"mapAccounts": "- 012345678901\n- 111122223333 # plain\n- ~\n"}
    same = plan(live, Tracked(), Wanted(accounts=("012345678901", "111122223333")), state="present")
    assert not same.changed
    more = plan(live, Tracked(), Wanted(accounts=("000000000012",)), state="present").data_after["mapAccounts"]
    assert more == live["mapAccounts"] + '- "000000000012"\n'
    gone = plan(live, Tracked(), Wanted(accounts=("012345678901",)), state="absent").data_after["mapAccounts"]
    assert gone == "- 111122223333 # plain\n- ~\n"


@given(strange)
def test_every_scalar_stays_a_string(value: str) -> None:
    for text in (plain_or_quoted(value), quoted(value)):
        for loader in LOADERS:
            assert yaml.load(text, Loader=loader) == value
        document = f"- rolearn: a\n  username: {text}\n  groups:\n  - {text}\n"
        assert mappings("roles", document) == {"a": (value, (value,))}
    assert mappings("roles", f"[{{rolearn: a, groups: [{quoted(value)}]}}]") == {"a": ("", (value,))}
    if ord(max(value)) <= 0xFFFF:
        assert json.loads(quoted(value)) == value


TYPED = "y Y yes No ON off true null ~ 1 012 0o17 0x1F 0b1 1e3 .5 -1 +1 1_000 1:20 2001-01-01 .inf -.INF .nan NaN inf"
SYNTAX = "= << - ? : a: #a &a *a !a | > %a @a `a {a} [a] a,b 'a' ---"


@pytest.mark.parametrize("value", [*TYPED.split(), *SYNTAX.split(), "a: b", "a #b", " a", "a ", "Infinity"])
def test_what_might_be_something_else_is_quoted(value: str) -> None:
    assert plain_or_quoted(value) == quoted(value)


@pytest.mark.parametrize("value", [f"{ARN}a.b@c=d+e-f_g", "system:masters", "dev", "a::b"])
def test_what_is_plainly_safe_is_not_quoted(value: str) -> None:
    assert plain_or_quoted(value) == value


def test_500_mappings_are_merged_in_little_time() -> None:
    """A text of 500 entries, read, changed in 250 places, extended by 250 entries, and read again."""
    entries = [Entry(f"{ARN}team-{number}", f"team-{number}", ("dev", "view")) for number in range(500)]
    text = merged("", *entries)
    wanted = [Entry(f"{ARN}team-{number}", "other", ("view", "edit")) for number in range(250, 750)]
    began = time.process_time()
    after = merged(text, *wanted)
    used = time.process_time() - began
    assert len(mappings("roles", after)) == 750
    # 0.2 s where nothing else runs; with the parser that is written in Python several times as much.
    assert used < (1 if LOADERS[0] is not yaml.SafeLoader else 60)
