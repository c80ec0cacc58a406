# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Options of aws_auth, and which of them go together."""

from __future__ import annotations

from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils._adapter import (
    aws_options,
    cluster_options,
    kubernetes_options,
)
from ansible_collections.ekspress.eks.plugins.module_utils._aws_auth_model import ARN_FIELDS, SECTIONS
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError

BACKUPS = 10


def argument_spec() -> dict[str, Any]:
    """The options of the module."""
    own = {
        **{section: _entries(alias) for section, alias in ARN_FIELDS.items()},
        "accounts": {"type": "list", "elements": "str"},
        "state": {"type": "str", "choices": ["present", "absent", "restored"], "default": "present"},
        "purge": {"type": "bool", "default": False},
        "force": {"type": "bool", "default": False},
        "collapse_duplicates": {"type": "bool", "default": False},
        "backup": {"type": "str"},
        "backups": {"type": "int", "default": BACKUPS},
    }
    cluster = {name: {**spec, "required": False} for name, spec in cluster_options().items()}
    return {**aws_options(), **cluster, **kubernetes_options(), **own}


def _entries(alias: str) -> dict[str, Any]:
    # Raw, as Ansible would make "True" of a group yes, and "['a']" of a list, where texts are asked for.
    entry = {
        "arn": {"type": "str", "required": True, "aliases": [alias]},
        "username": {"type": "raw"},
        "groups": {"type": "list", "elements": "raw"},
    }
    return {"type": "list", "elements": "dict", "options": entry}


def check_options(params: dict[str, Any]) -> None:
    """Raise EksError where options contradict each other."""
    if params["backups"] < 1:
        raise EksError(f"backups is {params['backups']}; give 1 or more: no change is made without a backup.")
    given = [section for section in SECTIONS if params.get(section) is not None]
    state = params["state"]
    if state == "restored":
        beside = given + [name for name in ("purge", "collapse_duplicates") if params[name]]
        if beside:
            raise EksError(
                f"state: restored brings back a whole backup, so {', '.join(beside)} cannot be given beside it. "
                "Merge entries by another task after it."
            )
        return
    if not given:
        raise EksError(
            f"state: {state} needs at least one of {', '.join(SECTIONS)}; an empty list will do where entries are "
            "only to be purged or collapsed."
        )
    if params.get("backup"):
        raise EksError(f"backup says what state: restored brings back, and does not go with state: {state}.")
    if params["purge"] and state == "absent":
        raise EksError("purge goes with state: present, which lists what stays; with state: absent nothing is listed.")
