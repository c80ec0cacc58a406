# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What must be called to bring an IAM OIDC provider from its current to its desired state. No I/O.

Every step but the thumbprints' adds or removes single entries, so that two runs at once lose nothing of each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils import _iam_tags
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError

MAX_AUDIENCES = 100
"""https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateOpenIDConnectProvider.html"""


@dataclass(frozen=True)
class Provider:
    """An OIDC provider as IAM has it."""

    audiences: frozenset[str] = frozenset()
    thumbprints: frozenset[str] = frozenset()
    """Lower-case SHA-1 hashes, hexadecimal."""
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Desired:
    """What the task asks for; None leaves alone what is there."""

    audiences: frozenset[str]
    purge_audiences: bool = False
    thumbprints: frozenset[str] | None = None
    tags: Mapping[str, str] | None = None
    purge_tags: bool = False


@dataclass(frozen=True)
class Step:
    """One write: an operation of IAM (its Python name) and its arguments beside the provider's ARN or URL."""

    operation: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """The writes in their order, and the provider before and after them (None where there is none)."""

    before: Provider | None
    after: Provider | None
    steps: tuple[Step, ...] = ()

    @property
    def changed(self) -> bool:
        return bool(self.steps)


def plan_present(current: Provider | None, desired: Desired) -> Plan:
    """Create the provider, or add (and where asked, remove) what differs. Raises EksError where a limit is passed."""
    if current is None:
        created = Provider(desired.audiences, desired.thumbprints or frozenset(), desired.tags or {})
        _check_limits(created)
        return Plan(None, created, (_creation(created),))
    after = Provider(
        audiences=desired.audiences if desired.purge_audiences else current.audiences | desired.audiences,
        thumbprints=current.thumbprints if desired.thumbprints is None else desired.thumbprints,
        tags=_tags_after(current.tags, desired),
    )
    _check_limits(after)
    additions, removals = _audience_steps(current, after)
    tagging, untagging = _tag_steps(current, after)
    thumbprints = (
        (Step("update_open_id_connect_provider_thumbprint", {"ThumbprintList": sorted(after.thumbprints)}),)
        if after.thumbprints != current.thumbprints
        else ()
    )
    return Plan(current, after, (*thumbprints, *additions, *removals, *tagging, *untagging))


def plan_absent(current: Provider | None) -> Plan:
    """Delete the provider if it is there."""
    return Plan(current, None, (Step("delete_open_id_connect_provider"),) if current else ())


def _creation(provider: Provider) -> Step:
    arguments: dict[str, Any] = {"ClientIDList": sorted(provider.audiences)}
    if provider.thumbprints:
        arguments["ThumbprintList"] = sorted(provider.thumbprints)
    if provider.tags:
        arguments["Tags"] = _tag_list(provider.tags)
    return Step("create_open_id_connect_provider", arguments)


def _tags_after(current: Mapping[str, str], desired: Desired) -> dict[str, str]:
    if desired.tags is None:
        return dict(current)
    kept = {key: value for key, value in current.items() if not desired.purge_tags or _iam_tags.reserved(key)}
    return _iam_tags.after_setting(kept, desired.tags)


def _audience_steps(current: Provider, after: Provider) -> tuple[tuple[Step, ...], ...]:
    """Additions first, so that a run that is ended between them leaves no client shut out; unless there is no room."""
    added = tuple(
        Step("add_client_id_to_open_id_connect_provider", {"ClientID": audience})
        for audience in sorted(after.audiences - current.audiences)
    )
    removed = tuple(
        Step("remove_client_id_from_open_id_connect_provider", {"ClientID": audience})
        for audience in sorted(current.audiences - after.audiences)
    )
    room = len(current.audiences) + len(added) <= MAX_AUDIENCES
    return (added, removed) if room else (removed, added)


def _tag_steps(current: Provider, after: Provider) -> tuple[tuple[Step, ...], ...]:
    different = {key: value for key, value in after.tags.items() if current.tags.get(key) != value}
    gone = _iam_tags.to_untag(current.tags, after.tags)
    added = (Step("tag_open_id_connect_provider", {"Tags": _tag_list(different)}),) if different else ()
    removed = (Step("untag_open_id_connect_provider", {"TagKeys": gone}),) if gone else ()
    room = _iam_tags.count(_iam_tags.after_setting(current.tags, different)) <= _iam_tags.MAX_TAGS
    return (added, removed) if room else (removed, added)


def _tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in sorted(tags.items())]


def _check_limits(after: Provider) -> None:
    if len(after.audiences) > MAX_AUDIENCES:
        raise EksError(
            f"The OIDC provider would have {len(after.audiences)} audiences and IAM allows {MAX_AUDIENCES}: give fewer,"
            " or set purge_audiences to remove those that are not given. Nothing was changed."
        )
    tags = _iam_tags.count(after.tags)
    if tags > _iam_tags.MAX_TAGS:
        raise EksError(
            f"The OIDC provider would have {tags} tags and IAM allows {_iam_tags.MAX_TAGS}: give fewer, "
            "or set purge_tags to remove those that are not given. Nothing was changed."
        )
