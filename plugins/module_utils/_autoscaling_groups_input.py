# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Options of autoscaling_groups: their spec, AWS's rules for them, and the entries of one group made into one.

https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_PutLifecycleHook.html
https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-tagging.html#tag_restrictions
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils import _autoscaling_notes as notes
from ansible_collections.ekspress.eks.plugins.module_utils import _ec2_tags
from ansible_collections.ekspress.eks.plugins.module_utils._adapter import aws_options
from ansible_collections.ekspress.eks.plugins.module_utils._autoscaling_groups_plan import Hook, Wanted
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError
from ansible_collections.ekspress.eks.plugins.module_utils._iam_tags import reserved, text_of

NAME_LENGTH = 255
KEY_LENGTH = 128
VALUE_LENGTH = 256
OWNER = re.compile(r"[A-Za-z0-9_.-]{1,64}")
HOOK_NAME = re.compile(r"[A-Za-z0-9_/-]{1,255}")
SHORTEST_HEARTBEAT, LONGEST_HEARTBEAT = 30, 7200


def argument_spec() -> dict[str, Any]:
    """The options of the module."""
    hook = {
        "name": {"type": "str", "required": True},
        "transition": {"type": "str", "choices": ["terminating", "launching"]},
        "heartbeat_timeout": {"type": "int", "default": 3600},
        "default_result": {"type": "str", "choices": ["CONTINUE", "ABANDON"], "default": "ABANDON"},
    }
    group = {
        "name": {"type": "str", "required": True},
        "owner": {"type": "str"},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "tags": {"type": "dict", "default": {}},
        "propagate": {"type": "bool", "default": False},
        "required_tags": {"type": "dict", "default": {}},
        "lifecycle_hooks": {"type": "list", "elements": "dict", "options": hook, "default": []},
        "purge_tag_prefixes": {"type": "list", "elements": "str", "default": []},
    }
    return {
        **aws_options(),
        "groups": {"type": "list", "elements": "dict", "required": True, "options": group},
    }


@dataclass(frozen=True)
class _Claim:
    """What one entry says of one tag or hook."""

    entry: int
    removes: bool
    what: Any
    """A tag's value; a Hook, or None for a hook that goes."""


@dataclass
class _Merged:
    """What the entries of one group say so far."""

    present: bool = False
    tags: dict[str, _Claim] = field(default_factory=dict)
    hooks: dict[str, _Claim] = field(default_factory=dict)
    asked: set[str] = field(default_factory=set)
    """Keys of tags that are set or removed, not only required."""
    propagated: set[str] = field(default_factory=set)
    required: set[str] = field(default_factory=set)
    purged: set[str] = field(default_factory=set)
    owners: dict[str, dict[str, str]] = field(default_factory=dict)
    only_noted: dict[str, str] = field(default_factory=dict)
    instances_too: bool = False


def wanted_groups(entries: Sequence[Mapping[str, Any]]) -> list[Wanted]:
    """What is asked of each group, by name. Raises EksError for what AWS would refuse and for entries that disagree."""
    merged: dict[str, _Merged] = {}
    for number, entry in enumerate(entries):
        name = entry["name"]
        if not 1 <= len(name) <= NAME_LENGTH:
            raise EksError(
                f"groups[{number}]: {name!r} is not the name of an EC2 Auto Scaling group, which has 1 to "
                f"{NAME_LENGTH} characters. Nothing was changed."
            )
        _add(merged.setdefault(name, _Merged()), number, entry)
    return [_wanted(name, item) for name, item in sorted(merged.items())]


def _wanted(name: str, merged: _Merged) -> Wanted:
    asked = {key: claim for key, claim in merged.tags.items() if key in merged.asked}
    removed = {key: claim.what for key, claim in asked.items() if claim.removes}
    return Wanted(
        name=name,
        present=merged.present,
        tags={key: claim.what for key, claim in asked.items() if not claim.removes},
        propagated=frozenset(merged.propagated - set(removed)),
        required={key: merged.tags[key].what for key in merged.required},
        hooks={hook: claim.what for hook, claim in merged.hooks.items() if not claim.removes},
        purged=tuple(sorted(merged.purged)),
        removed=removed,
        untagged=frozenset(merged.propagated & set(removed)),
        removed_hooks=frozenset(hook for hook, claim in merged.hooks.items() if claim.removes),
        owners=merged.owners,
        only_noted=merged.only_noted,
        instances_too=merged.instances_too,
    )


def _add(merged: _Merged, number: int, entry: Mapping[str, Any]) -> None:
    where, removes = f"groups[{number}] ({entry['name']})", entry["state"] == "absent"
    owner = _owner(where, entry["owner"])
    if owner:
        merged.owners.setdefault(owner, {})
        merged.instances_too |= entry["propagate"]
    for key, value in _tags(where, entry["tags"], propagate=entry["propagate"]):
        _claim(merged.tags, f"tag {key!r}", entry["name"], key, _Claim(number, removes, value))
        merged.asked.add(key)
        if owner and removes:
            merged.only_noted[key] = owner
        elif owner:
            merged.owners[owner][key] = value
        if entry["propagate"]:
            merged.propagated.add(key)
    for hook, claim in _hooks(where, number, entry["lifecycle_hooks"], removes=removes):
        _claim(merged.hooks, f"lifecycle hook {hook!r}", entry["name"], hook, claim)
    if removes:
        return
    merged.present = True
    for key, value in _texts(where, "required_tags", entry["required_tags"]):
        _claim(merged.tags, f"tag {key!r}", entry["name"], key, _Claim(number, False, value))
        merged.required.add(key)
    merged.purged.update(_prefixes(where, entry["purge_tag_prefixes"]))


def _owner(where: str, given: str | None) -> str:
    if given is not None and not OWNER.fullmatch(given):
        raise _refused(where, "owner", given, "it has 1 to 64 letters, digits and the characters _.-")
    return given or ""


def _claim(claims: dict[str, _Claim], title: str, group: str, key: str, claim: _Claim) -> None:
    other = claims.setdefault(key, claim)
    if (other.removes, other.what) != (claim.removes, claim.what):
        raise EksError(
            f"The {title} of the Auto Scaling group {group!r}: groups[{other.entry}] {_said(other)}, "
            f"groups[{claim.entry}] {_said(claim)}. Let them agree; nothing was changed."
        )


def _said(claim: _Claim) -> str:
    if isinstance(claim.what, Hook):
        hook = claim.what
        return f"wants it {hook.transition}, {hook.heartbeat_timeout} s, {hook.default_result}"
    if claim.what is None:
        return "removes it"
    return f"removes it where it is {claim.what!r}" if claim.removes else f"wants it to be {claim.what!r}"


def _tags(where: str, given: Mapping[str, Any], *, propagate: bool) -> Iterator[tuple[str, str]]:
    longest = _ec2_tags.KEY_LENGTH if propagate else KEY_LENGTH
    for key, text in _texts(where, "tags", given):
        if not 1 <= len(key) <= longest:
            instances = " (127 on instances)" if propagate else ""
            raise _refused(where, "tags", key, f"a key has 1 to {KEY_LENGTH} characters{instances}")
        if len(text) > VALUE_LENGTH:
            raise _refused(where, "tags", key, f"a value has at most {VALUE_LENGTH} characters")
        if reserved(key) or reserved(text):
            raise _refused(where, "tags", key, "keys and values that start with aws: are AWS's own; choose another")
        if key.startswith(notes.RESERVED):
            raise _refused(where, "tags", key, "keys that start so are this collection's notes; choose another")
        yield key, text


def _texts(where: str, option: str, given: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key, value in given.items():
        text = text_of("" if value is None else value)
        if text is None:
            raise _refused(where, option, str(key), f"the value is {value!r}; tags have texts as values, so quote it")
        yield str(key), text


def _hooks(
    where: str, number: int, given: Sequence[Mapping[str, Any]], *, removes: bool
) -> Iterator[tuple[str, _Claim]]:
    for hook in given:
        name, timeout, option = hook["name"], hook["heartbeat_timeout"], "lifecycle_hooks"
        if not HOOK_NAME.fullmatch(name):
            raise _refused(where, option, name, "a name has 1 to 255 letters, digits and the characters -_/")
        if removes:
            yield name, _Claim(number, True, None)
            continue
        if hook["transition"] is None:
            raise _refused(where, option, name, "transition is missing; give terminating or launching")
        if not SHORTEST_HEARTBEAT <= timeout <= LONGEST_HEARTBEAT:
            allowed = f"it is {SHORTEST_HEARTBEAT} to {LONGEST_HEARTBEAT} seconds"
            raise _refused(where, option, name, f"heartbeat_timeout is {timeout}; {allowed}")
        yield name, _Claim(number, False, Hook(hook["transition"], timeout, hook["default_result"]))


def _prefixes(where: str, given: Sequence[str]) -> Iterator[str]:
    for prefix in given:
        if not prefix or reserved(prefix):
            whose = "AWS's own tags" if prefix else "everybody's tags"
            step = "give the beginning of keys that are yours, such as k8s.io/cluster-autoscaler/node-template/"
            raise _refused(where, "purge_tag_prefixes", prefix, f"{whose} start so; {step}")
        yield prefix


def _refused(where: str, option: str, key: str, fault: str) -> EksError:
    return EksError(f"{where}, {option}, {key!r}: {fault}. Nothing was changed.")
