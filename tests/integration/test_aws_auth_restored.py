# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""aws_auth brought back from its backups."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils._kubernetes import Kubernetes

from tests.integration.aws_auth_support import FOREIGN, FOREIGN_ROLES, Mappings, arn, entry, meddle

ONE: dict[str, Any] = {"roles": [entry("one", "a")]}
TWO: dict[str, Any] = {"roles": [entry("two", "b")]}
MARK = "ekspress.eks/made-by-restore"


def test_the_last_change_is_undone_once(mappings: Mappings) -> None:
    mappings.put(binaryData={"blob": "AAEC"}, metadata={"labels": {"of": "others"}})
    mappings.run(**ONE)
    tracked, before = mappings.tracked, mappings.data
    changed = mappings.run(**TWO)
    backup = changed.result["backup"]
    checked = mappings.run(check=True, state="restored")
    assert arn("two") in mappings.mapped()
    restored = mappings.run(state="restored")
    assert restored.changes == [f"roles: remove {arn('two')}"] == checked.changes
    assert restored.result["diff"] == checked.result["diff"]
    assert restored.result["restored_from"] == backup == checked.result["restored_from"]
    assert (mappings.data, mappings.tracked) == (before, tracked)
    assert mappings.item["metadata"]["labels"] == {"of": "others"}
    assert mappings.item["binaryData"] == {"blob": "AAEC"}
    assert mappings.backups[restored.result["backup"]]["metadata"]["annotations"][MARK] == "true"
    version = mappings.version
    again = mappings.run(state="restored")
    assert again.unchanged
    assert again.result["restored_from"] == backup
    assert again.calls == ["GET …/aws-auth", "GET …"]
    assert mappings.version == version


def test_what_was_restored_by_mistake_is_brought_back_by_its_name(mappings: Mappings) -> None:
    mappings.put()
    mappings.run(**ONE)
    mistaken = mappings.run(state="restored").result["backup"]
    assert arn("one") not in mappings.mapped()
    back = mappings.run(state="restored", backup=mistaken)
    assert back.changes == [f"roles: add {arn('one')}"]
    assert mappings.run(state="restored", backup=mistaken).unchanged
    assert mappings.run(**ONE).unchanged


BROKEN = ["- rolearn: [\n", "nothing: else\n", "text", "- 1\n"]


@pytest.mark.parametrize("text", BROKEN)
def test_broken_text_is_replaced_by_a_backup_and_kept_in_another(mappings: Mappings, text: str) -> None:
    mappings.put()
    mappings.run(**ONE)
    mappings.edit({"mapRoles": text})
    assert "restored" in mappings.run(**TWO).message
    restored = mappings.run(state="restored")
    assert restored.result["changed"]
    assert mappings.data == FOREIGN
    assert mappings.backups[restored.result["backup"]]["data"]["mapRoles"] == text
    assert mappings.run(state="restored").unchanged
    refused = mappings.run(state="restored", backup=restored.result["backup"])
    assert "cannot be brought back" in refused.message
    assert mappings.data == FOREIGN


def test_a_deleted_one_is_made_anew(mappings: Mappings) -> None:
    mappings.put(binaryData={"blob": "AAEC"})
    first = mappings.run(**ONE).result["backup"]
    mappings.run(**TWO)
    mappings.delete()
    checked = mappings.run(check=True, state="restored")
    assert mappings.live() is None
    restored = mappings.run(state="restored")
    assert restored.changes == checked.changes
    assert set(mappings.mapped()) == {arn("node"), arn("Spot"), arn("break-glass", "user"), arn("one")}
    assert mappings.item["binaryData"] == {"blob": "AAEC"}
    assert restored.result["backup"] == ""
    assert mappings.run(state="restored").unchanged
    mappings.delete()
    assert mappings.run(state="restored", backup=first).result["changed"]
    assert mappings.data == FOREIGN


def test_one_that_somebody_made_meanwhile_is_replaced_and_kept(
    mappings: Mappings, monkeypatch: pytest.MonkeyPatch
) -> None:
    mappings.put()
    mappings.run(**ONE)
    mappings.delete()
    meddle(monkeypatch, "POST", lambda: mappings.put({"mapUsers": "[]\n"}))
    restored = mappings.run(state="restored")
    assert mappings.data == FOREIGN
    assert mappings.backups[restored.result["backup"]]["data"] == {"mapUsers": "[]\n"}


def test_backups_there_are_not_are_told_with_those_there_are(mappings: Mappings) -> None:
    mappings.put()
    none = mappings.run(state="restored")
    assert "There is no backup that a change made of ConfigMap" in none.message
    assert "newest first: none" in none.message
    names = [mappings.run(**options).result["backup"] for options in (ONE, TWO)]
    unknown = mappings.run(state="restored", backup="aws-auth-backup-1")
    assert "no backup 'aws-auth-backup-1'" in unknown.message
    assert f"newest first: {names[1]}, {names[0]}." in unknown.message


def test_so_many_backups_are_kept(mappings: Mappings) -> None:
    mappings.put()
    names = [mappings.run(roles=[entry(f"r{number}")]).result["backup"] for number in range(5)]
    assert list(mappings.backups) == names
    checked = mappings.run(check=True, **ONE, backups=3)
    assert list(mappings.backups) == names
    assert checked.calls.count(f"DELETE …/{names[0]}") == 1
    changed = mappings.run(**ONE, backups=3)
    assert list(mappings.backups) == [*names[3:], changed.result["backup"]]
    assert mappings.run(**ONE, backups=1).unchanged
    assert len(mappings.backups) == 3, "a run that changes nothing deletes nothing"
    mappings.run(**TWO, backups=1)
    assert len(mappings.backups) == 1


def test_the_backup_that_was_brought_back_is_kept(mappings: Mappings) -> None:
    mappings.put()
    first = mappings.run(**ONE).result["backup"]
    for number in range(3):
        mappings.run(roles=[entry(f"r{number}")])
    options: dict[str, Any] = {"state": "restored", "backup": first, "backups": 1}
    restored = mappings.run(**options)
    assert mappings.data == FOREIGN
    assert list(mappings.backups) == [first, restored.result["backup"]]
    assert mappings.run(**options).unchanged


def test_a_backup_cannot_be_edited(mappings: Mappings) -> None:
    mappings.put()
    name = mappings.run(**ONE).result["backup"]
    status, answer = mappings.call(
        "PATCH", mappings.path(name), {"data": {"mapRoles": "[]"}}, "application/merge-patch+json"
    )
    assert status == 422, answer


def test_what_has_a_backups_name_and_is_none_is_told(mappings: Mappings) -> None:
    version = mappings.put()["metadata"]["resourceVersion"]
    name = f"aws-auth-backup-{version}"
    item = {"metadata": {"name": name}, "data": {"mapRoles": "[]"}}
    assert mappings.call("POST", mappings.path(collection=True), item)[0] == 201
    for check in (True, False):
        ran = mappings.run(check=check, **ONE)
        assert f"{name} is there and is not the backup" in ran.message
        assert "delete it" in ran.message
    assert mappings.data == FOREIGN


def test_the_backup_of_a_restore_that_was_ended_becomes_that_of_the_change(
    mappings: Mappings, monkeypatch: pytest.MonkeyPatch
) -> None:
    mappings.put()
    mappings.run(**ONE)
    with monkeypatch.context() as patch:

        def ended(*_arguments: Any, **_more: Any) -> dict[str, Any]:
            raise KeyboardInterrupt

        patch.setattr(Kubernetes, "replace", ended)
        with pytest.raises(KeyboardInterrupt):
            mappings.run(state="restored")
    (marked,) = [name for name, item in mappings.backups.items() if MARK in item["metadata"].get("annotations", {})]
    assert mappings.run(**TWO).result["backup"] == marked
    assert mappings.run(state="restored").result["restored_from"] == marked
    assert set(mappings.mapped()) >= {arn("one")}


def test_guards_hold_for_a_restore_too(mappings: Mappings) -> None:
    mappings.put({"mapRoles": "[]\n"})
    mappings.run(**ONE)
    mappings.edit({"mapRoles": FOREIGN_ROLES})
    for check in (True, False):
        refused = mappings.run(check=check, state="restored")
        assert "system:nodes" in refused.message
        assert arn("node") in refused.message
        assert "force: true" in refused.message
    assert mappings.data["mapRoles"] == FOREIGN_ROLES
    assert mappings.run(state="restored", force=True).result["changed"]
    assert mappings.data["mapRoles"] == "[]\n"
