# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""aws_auth on a real Kubernetes API: what is merged, what it costs, and what others may do meanwhile."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils import _aws_auth
from ansible_collections.ekspress.eks.plugins.module_utils._aws_auth_api import ANNOTATIONS_LIMIT, DATA_LIMIT
from ansible_collections.ekspress.eks.plugins.module_utils._kubernetes import Kubernetes

from tests.integration.aws_auth_support import FOREIGN, FOREIGN_ROLES, Mappings, arn, entry, meddle

DEPLOY = entry("Deploy", "deployers", "yes", username="deploy:{{SessionName}}")
ALICE = entry("teams/alice", kind="user")
WANTED: dict[str, Any] = {"roles": [DEPLOY], "users": [ALICE], "accounts": ["012345678901"]}
ADDED = [f"roles: add {arn('Deploy')}", f"users: add {arn('teams/alice', 'user')}", "accounts: add 012345678901"]
OF_WANTED = {
    arn("Deploy"): ("deploy:{{SessionName}}", frozenset({"deployers", "yes"})),
    arn("teams/alice", "user"): ("teams/alice", frozenset()),
    "012345678901": ("", frozenset()),
}
READ = "GET …/aws-auth"


def test_it_is_created_where_there_is_none(mappings: Mappings) -> None:
    checked = mappings.run(check=True, **WANTED)
    assert mappings.live() is None
    made = mappings.run(**WANTED)
    assert made.changes == ADDED == checked.changes
    assert made.result["diff"] == checked.result["diff"]
    assert made.calls == [READ, "POST …"]
    assert mappings.mapped() == OF_WANTED
    assert made.result["backup"] == ""
    assert mappings.backups == {}
    again = mappings.run(**WANTED)
    assert again.unchanged
    assert again.calls == [READ]


def test_nothing_is_created_for_nothing(mappings: Mappings) -> None:
    assert mappings.run(roles=[], users=[]).unchanged
    assert mappings.run(roles=[DEPLOY], state="absent").unchanged
    assert mappings.live() is None


def test_entries_join_those_of_others_which_stay_byte_for_byte(mappings: Mappings) -> None:
    put = mappings.put(
        metadata={"labels": {"of": "others"}, "annotations": {"of": "others"}}, binaryData={"blob": "AAEC"}
    )
    version = put["metadata"]["resourceVersion"]
    checked = mappings.run(check=True, **WANTED)
    assert mappings.version == version
    made = mappings.run(**WANTED)
    assert made.changes == ADDED == checked.changes
    item = mappings.item
    after = {key: diff["after"] for key in ("mapAccounts", "mapRoles", "mapUsers") for diff in checked.result["diff"]
             if diff["after_header"].endswith(key)}  # fmt: skip
    assert {**FOREIGN, **after} == item["data"], "check mode's plan is what is written"
    for key, text in FOREIGN.items():
        assert item["data"][key].startswith(text)
    assert item["metadata"]["labels"] == {"of": "others"}
    assert item["metadata"]["annotations"]["of"] == "others"
    assert item["binaryData"] == {"blob": "AAEC"}
    assert mappings.mapped().items() > OF_WANTED.items()
    (name, backup), = mappings.backups.items()  # fmt: skip
    assert made.result["backup"] == name == f"aws-auth-backup-{version}"
    assert checked.result["backup"] == ""
    assert (backup["data"], backup["binaryData"]) == (put["data"], put["binaryData"])
    assert made.calls == [READ, "GET …", "POST …", "PUT …/aws-auth", "GET …"]
    assert made.result["roles"] == {"added": [arn("Deploy")], "changed": [], "removed": []}


def test_nothing_changes_in_one_read(mappings: Mappings) -> None:
    mappings.put()
    mappings.run(**WANTED)
    version = mappings.version
    for options in (WANTED, {**WANTED, "purge": True}, {"roles": [{**DEPLOY, "groups": ["yes", "deployers"]}]}):
        again = mappings.run(**options)
        assert again.unchanged
        assert again.calls == [READ]
        assert again.result["diff"] == []
    assert mappings.version == version


def test_check_mode_sends_what_it_would_write_as_a_dry_run(mappings: Mappings) -> None:
    mappings.put()
    with pytest.MonkeyPatch.context() as patch:
        rehearsed = meddle(patch, "PUT", lambda: None, dry_run=True)
        checked = mappings.run(check=True, **WANTED)
    assert rehearsed == [mappings.path()]
    assert checked.calls == [READ, "GET …", "POST …", "PUT …/aws-auth"]
    assert mappings.data == FOREIGN
    assert mappings.backups == {}


def test_added_and_removed_again_leaves_the_bytes_of_before(mappings: Mappings) -> None:
    mappings.put()
    mappings.run(**WANTED)
    gone = mappings.run(**WANTED, state="absent")
    assert len(gone.changes) == 3
    assert {key: mappings.data[key] for key in FOREIGN} == FOREIGN
    assert mappings.tracked == ""
    assert mappings.run(**WANTED, state="absent").unchanged


def test_what_was_written_and_is_no_longer_listed_is_purged(mappings: Mappings) -> None:
    mappings.put()
    mappings.run(roles=[DEPLOY, entry("former", "a"), entry("edited", "a")])
    edited = mappings.data["mapRoles"]
    start = edited.index(arn("edited"))
    mappings.edit({"mapRoles": edited[:start] + edited[start:].replace("username: ", "username: by-hand-", 1)})
    left = mappings.run(roles=[DEPLOY])
    assert left.unchanged
    assert left.result["unlisted"] == [arn("edited"), arn("former")]
    purged = mappings.run(roles=[DEPLOY], purge=True)
    assert purged.changes == [f"roles: remove {arn('former')}"]
    assert purged.result["unlisted"] == [arn("edited")]
    assert set(mappings.mapped()) >= {arn("node"), arn("Spot"), arn("Deploy"), arn("edited")}


def test_a_broken_note_of_our_entries_is_warned_of(mappings: Mappings) -> None:
    mappings.put(metadata={"annotations": {"ekspress.eks/entries": "{not json"}})
    ran = mappings.run(roles=[], purge=True)
    assert ran.unchanged
    assert "ekspress.eks/entries" in ran.warnings[0]


def test_an_entry_written_by_somebody_meanwhile_is_merged_with(
    mappings: Mappings, monkeypatch: pytest.MonkeyPatch
) -> None:
    mappings.put()
    other = f"{FOREIGN_ROLES}# of another\n- {{rolearn: '{arn('other')}', username: other, groups: []}}\n"
    meddle(monkeypatch, "PUT", lambda: mappings.edit({"mapRoles": other}))
    made = mappings.run(**WANTED)
    assert made.changes == ADDED
    assert mappings.data["mapRoles"].startswith(other)
    assert mappings.mapped().items() > OF_WANTED.items()
    assert made.calls.count("PUT …/aws-auth") == 2
    assert mappings.backups[made.result["backup"]]["data"]["mapRoles"] == other


def test_one_that_somebody_created_meanwhile_is_merged_with(
    mappings: Mappings, monkeypatch: pytest.MonkeyPatch
) -> None:
    meddle(monkeypatch, "POST", mappings.put)
    made = mappings.run(**WANTED)
    assert made.changes == ADDED
    assert mappings.data["mapRoles"].startswith(FOREIGN_ROLES)
    assert list(mappings.backups) == [made.result["backup"]]


def test_one_that_somebody_made_anew_meanwhile_is_merged_with(
    mappings: Mappings, monkeypatch: pytest.MonkeyPatch
) -> None:
    mappings.put({"mapUsers": "[]"})

    def anew() -> None:
        mappings.delete()
        mappings.put()

    meddle(monkeypatch, "PUT", anew)
    assert mappings.run(**WANTED).changes == ADDED
    assert mappings.data["mapRoles"].startswith(FOREIGN_ROLES)


def test_what_somebody_did_for_us_meanwhile_is_no_change(mappings: Mappings, monkeypatch: pytest.MonkeyPatch) -> None:
    mappings.put()
    block = f"- {{rolearn: '{arn('other')}', username: other, groups: []}}\n"
    meddle(monkeypatch, "PUT", lambda: mappings.edit({"mapRoles": FOREIGN_ROLES + block}))
    made = mappings.run(roles=[entry("other")])
    assert made.unchanged
    assert made.result["backup"] == ""
    assert mappings.tracked == "", "an entry of another is not taken for ours"


def test_a_write_whose_answer_was_lost_is_a_change(mappings: Mappings, monkeypatch: pytest.MonkeyPatch) -> None:
    mappings.put()
    real = Kubernetes.replace

    def twice(self: Kubernetes, path: str, item: dict[str, Any], **more: Any) -> dict[str, Any]:
        # As the client does where the connection ends before the answer.
        real(self, path, item, **more)
        return real(self, path, item, **more)

    monkeypatch.setattr(Kubernetes, "replace", twice)
    made = mappings.run(**WANTED)
    assert made.changes == ADDED
    assert made.result["backup"] in mappings.backups


def test_one_deleted_meanwhile_is_not_made_anew_from_memory(
    mappings: Mappings, monkeypatch: pytest.MonkeyPatch
) -> None:
    mappings.put()
    meddle(monkeypatch, "PUT", mappings.delete)
    ran = mappings.run(**WANTED)
    (backup,) = mappings.backups
    assert f"{mappings.namespace}/aws-auth was deleted while" in ran.message
    assert "nothing was written" in ran.message
    assert f"state: restored and backup: {backup}" in ran.message
    assert mappings.live() is None
    restored = mappings.run(state="restored", backup=backup)
    assert restored.result["changed"]
    assert mappings.data == FOREIGN


def test_the_tries_are_bounded(mappings: Mappings, monkeypatch: pytest.MonkeyPatch) -> None:
    mappings.put()
    monkeypatch.setattr(_aws_auth, "ATTEMPTS", 3)
    turns = iter(range(100))
    met = meddle(monkeypatch, "PUT", lambda: mappings.edit({"turn": str(next(turns))}), times=100)
    ran = mappings.run(**WANTED)
    assert "was written by others at each of 3 attempts" in ran.message
    assert "--watch" in ran.message
    assert len(met) == 3
    assert mappings.data == {**FOREIGN, "turn": "2"}


def test_an_immutable_one_is_told_before_anything_is_written(mappings: Mappings) -> None:
    mappings.put(immutable=True)
    for check in (True, False):
        ran = mappings.run(check=check, **WANTED)
        assert "is immutable" in ran.message
        assert "without immutable: true" in ran.message
    assert mappings.backups == {}


BROKEN = {
    "not YAML": {"mapRoles": "- rolearn: [\n"},
    "a mapping": {"mapRoles": "rolearn: x\n"},
    "a text": {"mapUsers": "nobody\n"},
    "two documents": {"mapRoles": "[]\n---\n[]\n"},
    "entries of text": {"mapRoles": "- admin\n"},
    "no ARN": {"mapRoles": "- username: admin\n  groups: []\n"},
    "tabs": {"mapRoles": "-\trolearn: x\n\tusername: y\n"},
}


@pytest.mark.parametrize("name", BROKEN)
def test_live_text_that_cannot_be_read_is_left(mappings: Mappings, name: str) -> None:
    mappings.put(BROKEN[name])
    version = mappings.version
    for check in (True, False):
        ran = mappings.run(check=check, **WANTED)
        assert next(iter(BROKEN[name])) in ran.message
        assert "restored" in ran.message
        assert not any(call.startswith(("PUT", "POST")) for call in ran.calls)
    assert mappings.version == version
    assert mappings.backups == {}


def test_what_would_be_too_large_is_told_with_its_sizes(mappings: Mappings) -> None:
    mappings.put({"mapRoles": "[]"})
    mappings.run(**WANTED)
    size = sum(len(text) for text in mappings.data.values())
    mappings.edit({"filling": "x" * (DATA_LIMIT - size)})
    for check in (True, False):
        ran = mappings.run(check=check, roles=[entry("one-more")])
        assert f"data and binaryData take {DATA_LIMIT} bytes now" in ran.message
        assert f"Kubernetes allows {DATA_LIMIT}" in ran.message
        assert "access entries" in ran.message
    one_less = mappings.run(users=[ALICE], state="absent")
    assert one_less.changes
    assert sum(len(text) for text in mappings.data.values()) < DATA_LIMIT


def test_the_limits_are_those_of_the_api(mappings: Mappings) -> None:
    base: dict[str, Any] = {"apiVersion": "v1", "kind": "ConfigMap"}
    dry = f"{mappings.path(collection=True)}?dryRun=All"
    annotations = {"a": "x" * (ANNOTATIONS_LIMIT - 1)}
    for more, key in ((0, "data"), (1, "data"), (0, "annotations"), (1, "annotations")):
        item = {**base, "metadata": {"name": "large"}, "data": {"a": ""}}
        if key == "data":
            item["data"] = {"a": "x" * (DATA_LIMIT + more)}
        else:
            item["metadata"] = {"name": "large", "annotations": {"a": annotations["a"] + "x" * more}}
        assert mappings.call("POST", dry, item)[0] == (422 if more else 201), (key, more)


def test_too_many_annotations_are_told(mappings: Mappings) -> None:
    mappings.put({"mapRoles": "[]"}, metadata={"annotations": {"a": "x" * (ANNOTATIONS_LIMIT - 1)}})
    ran = mappings.run(roles=[DEPLOY])
    assert f"its annotations take {ANNOTATIONS_LIMIT} bytes now" in ran.message
    assert mappings.data == {"mapRoles": "[]"}
    assert mappings.backups == {}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "needs at least one of roles, users, accounts"),
        ({"roles": [DEPLOY], "backups": 0}, "give 1 or more"),
        ({"roles": [DEPLOY], "backup": "x"}, "does not go with state: present"),
        ({"roles": [DEPLOY], "purge": True, "state": "absent"}, "purge goes with state: present"),
        ({"roles": [DEPLOY], "purge": True, "state": "restored"}, "roles, purge cannot be given beside it"),
        ({"roles": [entry("x", kind="user")]}, "user"),
        ({"users": [entry("x")]}, "role"),
        ({"accounts": ["1234"]}, "12 digits"),
        ({"roles": [DEPLOY, {**DEPLOY, "arn": arn("teams/deploy")}]}, "deploy"),
    ],
    ids=str,
)
def test_what_is_wrong_with_the_options_is_told_before_any_call(
    mappings: Mappings, options: dict[str, Any], words: str
) -> None:
    ran = mappings.run(**options)
    assert words in ran.message
    assert ran.calls == []


def test_duplicates_and_ignored_entries_are_told(mappings: Mappings) -> None:
    twice = f"- {{rolearn: '{arn('NODE')}', username: n, groups: [last]}}\n"
    pathed = f"- {{rolearn: '{arn('teams/data')}', username: d, groups: []}}\n"
    mappings.put({"mapRoles": FOREIGN_ROLES + twice + pathed})
    ran = mappings.run(roles=[])
    assert ran.unchanged
    assert ran.result["duplicates"] == [arn("node")]
    assert [name.lower() for name in ran.result["ignored"]] == [arn("teams/data")]
    kept = mappings.run(roles=[], collapse_duplicates=True, force=True)
    assert len(kept.changes) == 1
    assert mappings.mapped()[arn("NODE")] == ("n", frozenset({"last"}))
    assert arn("node") not in mappings.mapped()
    assert json.loads(mappings.tracked or "{}") == {}
