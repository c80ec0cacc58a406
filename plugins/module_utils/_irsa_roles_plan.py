# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""From a role as it is and as it is wanted to the calls that make it so, in an order that may be cut anywhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils import _arn, _iam_tags, _policy, _trust_policy_plan
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError
from ansible_collections.ekspress.eks.plugins.module_utils._irsa_input import INLINE_SIZE, Wanted
from ansible_collections.ekspress.eks.plugins.module_utils._irsa_tags import (
    INLINE,
    MANAGED,
    RESERVED,
    noted_managed,
    noted_policies,
    notes,
    own_tags,
)
from ansible_collections.ekspress.eks.plugins.module_utils._irsa_writes import (
    DEFAULT_PATH,
    DEFAULT_SESSION,
    Current,
    Write,
    delete_policy,
    detach,
    inline_size,
    policy_writes,
    purge_writes,
    role_writes,
    tag_list,
    trust_writes,
    write_of,
)
from ansible_collections.ekspress.eks.plugins.module_utils._trust_policy_limits import obstacle
from ansible_collections.ekspress.eks.plugins.module_utils._trust_policy_orphans import Orphan
from ansible_collections.ekspress.eks.plugins.module_utils._trust_policy_plan import Issuer, TrustPlan


@dataclass(frozen=True)
class Options:
    """What counts for all roles of the task."""

    purge_policies: bool = False
    purge_service_accounts: bool = False
    prune_orphans: bool = False
    max_trust_policy_length: int = 2048
    max_managed_policies: int = 10
    force: bool = False


@dataclass(frozen=True)
class Plan:
    """What happens to one role. ``before`` and ``after`` are what is known of it, None for one that is not there."""

    name: str
    arn: str
    state: str
    """unchanged, created, updated or removed."""
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    writes: tuple[Write, ...] = ()
    unlisted: Mapping[str, list[str]] = field(default_factory=dict)
    orphans: tuple[Orphan, ...] = ()
    pruned: tuple[str, ...] = ()
    """ARNs of those orphans whose statements go."""
    warning: str = ""

    @property
    def puts_policies(self) -> bool:
        """Whether a role that exists gets an inline policy written, so that the sizes of all of them count."""
        return self.before is not None and any(write.operation == "put_role_policy" for write in self.writes)


def plan(wanted: Wanted, current: Current | None, issuer: Issuer, options: Options) -> Plan:
    """The plan of one role. Raises EksError where it cannot be reached, before anything is written."""
    if wanted.state == "absent":
        return _absent(wanted, current, issuer, options)
    if current is None:
        return _create(wanted, issuer, options)
    return _update(wanted, current, issuer, options)


def trust_plan(
    wanted: Wanted,
    document: Mapping[str, Any],
    issuer: Issuer,
    options: Options,
    gone: frozenset[str] = frozenset(),
    *,
    orphans: tuple[Orphan, ...] = (),
) -> TrustPlan:
    """What becomes of the trust policy of a role that is there. Raises EksError where IAM would refuse it.

    ``gone`` are the ARNs of the OIDC providers whose statements are to be taken out, ``orphans`` all that could be.
    """
    if wanted.state == "absent":
        trust = _trust_policy_plan.without(document, [issuer], prune=gone)
        return trust if trust.after is None or options.force else _accepted(wanted, trust, options)
    if wanted.service_accounts is None:
        return TrustPlan(before=dict(document), after=dict(document))
    return _merged(wanted, document, issuer, options, gone, orphans=orphans)


def role_arn(wanted: Wanted, issuer: Issuer) -> str:
    """The ARN that the role has once it is made: its provider's account and partition, its path and name."""
    provider = _arn.parse(issuer.provider_arn)
    return _arn.role(provider.partition, provider.account, wanted.name, wanted.path or DEFAULT_PATH)


def _create(wanted: Wanted, issuer: Issuer, options: Options) -> Plan:
    if wanted.service_accounts is None:
        raise _refuse(wanted, "it does not exist and service_accounts is not given, so nobody could assume it; add it")
    trust = _merged(wanted, None, issuer, options)
    made = Current(
        name=wanted.name,
        arn=role_arn(wanted, issuer),
        path=wanted.path or DEFAULT_PATH,
        trust_policy=trust.after or {},
        tags={**(wanted.tags or {}), **_notes(wanted)},
        permissions_boundary=wanted.permissions_boundary or "",
        max_session_duration=wanted.max_session_duration or DEFAULT_SESSION,
        description=wanted.description or "",
    )
    _check_tags(wanted, made.tags)
    arguments: dict[str, Any] = {
        "RoleName": made.name,
        "Path": made.path,
        "AssumeRolePolicyDocument": _policy.to_json(made.trust_policy),
        "MaxSessionDuration": made.max_session_duration,
    }
    if made.description:
        arguments["Description"] = made.description
    if made.permissions_boundary:
        arguments["PermissionsBoundary"] = made.permissions_boundary
    if made.tags:
        arguments["Tags"] = tag_list(made.tags)
    after = replace(made, policies=wanted.policies or {}, attached=frozenset(wanted.managed_policy_arns or ()))
    _check_attachments(wanted, made.attached, after.attached, options)
    return Plan(
        name=made.name,
        arn=made.arn,
        state="created",
        before=None,
        after=_view(after),
        writes=(Write("create_role", arguments, "role: create"), *policy_writes(made, after)),
    )


def _update(wanted: Wanted, current: Current, issuer: Issuer, options: Options) -> Plan:
    if wanted.path is not None and wanted.path != current.path:
        raise _refuse(
            wanted,
            f"it exists with the path {current.path!r} and is wanted with {wanted.path!r}, which IAM cannot change. "
            f"Give path: {current.path}, or remove the role first (state: absent)",
        )
    trust = trust_plan(wanted, current.trust_policy, issuer, options, current.gone, orphans=current.orphans)
    purged = _purged(wanted, current, options)
    gone_tags = _stale_notes(wanted, current, options)
    kept = {key: value for key, value in current.tags.items() if key not in gone_tags}
    after = Current(
        name=current.name,
        arn=current.arn,
        path=current.path,
        trust_policy=trust.after or {},
        tags=_iam_tags.after_setting(kept, {**(wanted.tags or {}), **_notes(wanted)}),
        permissions_boundary=_given(wanted.permissions_boundary, current.permissions_boundary),
        max_session_duration=_given(wanted.max_session_duration, current.max_session_duration),
        description=_given(wanted.description, current.description),
        policies={**current.policies, **(wanted.policies or {})},
        other_policies=_others_left(current, purged["policies"]),
        attached=(current.attached | set(wanted.managed_policy_arns or ())) - purged["managed_policies"],
    )
    _check_tags(wanted, after.tags)
    _check_attachments(wanted, current.attached, after.attached, options)
    _check_inline(wanted, current, after)
    added = (*role_writes(current, after), *policy_writes(current, after), *trust_writes(current, trust))
    purges = tuple(purge_writes(current, purged, gone_tags))
    writes = (*purges, *added) if _crowded(current, after, options) else (*added, *purges)
    return Plan(
        name=current.name,
        arn=current.arn,
        state="updated" if writes else "unchanged",
        before=_view(current),
        after=_view(after),
        writes=writes,
        unlisted=_unlisted(wanted, current, options, trust),
        orphans=current.orphans,
        pruned=trust.pruned,
    )


def _absent(wanted: Wanted, current: Current | None, issuer: Issuer, options: Options) -> Plan:
    if current is None:
        return Plan(wanted.name, role_arn(wanted, issuer), "unchanged", None, None)
    trust = trust_plan(wanted, current.trust_policy, issuer, options, current.gone)
    if trust.after is not None and not options.force:
        return _kept(current, trust)
    if current.instance_profiles and not options.force:
        raise _refuse(
            wanted,
            f"it is in the instance profiles {', '.join(current.instance_profiles)} and was not removed. "
            "Take it out of them, or give force: true",
        )
    writes = [
        *(
            write_of(
                "remove_role_from_instance_profile", current, f"leave instance profile {name}", InstanceProfileName=name
            )
            for name in current.instance_profiles
        ),
        *(detach(current, arn) for arn in sorted(current.attached)),
        *(delete_policy(current, name) for name in sorted(current.policies)),
        write_of("delete_role", current, "role: delete"),
    ]
    return Plan(current.name, current.arn, "removed", _view(current), None, tuple(writes))


def _kept(current: Current, trust: TrustPlan) -> Plan:
    others = "others trust it too, or trust it under further conditions"
    if not trust.changed:
        return Plan(
            name=current.name,
            arn=current.arn,
            state="unchanged",
            before=_view(current),
            after=_view(current),
            orphans=current.orphans,
            warning=f"IAM role {current.name!r} is not this cluster's alone to remove: {others}. It was left as it is; "
            "force: true deletes it.",
        )
    return Plan(
        name=current.name,
        arn=current.arn,
        state="updated",
        before=_view(current),
        after=_view(replace(current, trust_policy=trust.after or {})),
        writes=tuple(trust_writes(current, trust)),
        orphans=current.orphans,
        pruned=trust.pruned,
        warning=f"IAM role {current.name!r} stays, without trust in this cluster: {others}. force: true deletes it.",
    )


def _merged(
    wanted: Wanted,
    document: Mapping[str, Any] | None,
    issuer: Issuer,
    options: Options,
    gone: frozenset[str] = frozenset(),
    *,
    orphans: tuple[Orphan, ...] = (),
) -> TrustPlan:
    subjects = [_trust_policy_plan.subject(item) for item in wanted.service_accounts or ()]
    trust = _trust_policy_plan.merge(document, [issuer], subjects, purge=options.purge_service_accounts, prune=gone)
    return _accepted(wanted, trust, options, orphans)


def _accepted(wanted: Wanted, trust: TrustPlan, options: Options, orphans: tuple[Orphan, ...] = ()) -> TrustPlan:
    """The plan, if IAM takes it."""
    arns = [orphan.provider_arn for orphan in orphans]
    problem = obstacle(trust, options.max_trust_policy_length, "max_trust_policy_length", arns)
    if problem:
        raise _refuse(wanted, problem.removesuffix("."))
    return trust


def _purged(wanted: Wanted, current: Current, options: Options) -> dict[str, set[str]]:
    """Policies of ours that are no longer wanted and go."""
    if not options.purge_policies:
        return {"policies": set(), "managed_policies": set()}
    return _no_longer_wanted(wanted, current)


def _no_longer_wanted(wanted: Wanted, current: Current) -> dict[str, set[str]]:
    inline = noted_policies(current.tags) - set(wanted.policies) if wanted.policies is not None else set()
    managed = set()
    if wanted.managed_policy_arns is not None:
        managed = noted_managed(current.tags, current.attached) - set(wanted.managed_policy_arns)
    return {"policies": inline, "managed_policies": managed}


def _stale_notes(wanted: Wanted, current: Current, options: Options) -> list[str]:
    if not options.purge_policies:
        return []
    keep = _notes(wanted)
    kinds = [INLINE] if wanted.policies is not None else []
    kinds += [MANAGED] if wanted.managed_policy_arns is not None else []
    return _iam_tags.to_untag((key for key in current.tags if key.startswith(tuple(kinds))), keep)


def _unlisted(wanted: Wanted, current: Current, options: Options, trust: TrustPlan) -> dict[str, list[str]]:
    left = {} if options.purge_policies else _no_longer_wanted(wanted, current)
    found = {name: sorted(items) for name, items in left.items()}
    found["service_accounts"] = [item.service_account for item in trust.unlisted]
    return {name: items for name, items in sorted(found.items()) if items}


def _notes(wanted: Wanted) -> dict[str, str]:
    return notes(wanted.policies or {}, wanted.managed_policy_arns or ())


def _check_tags(wanted: Wanted, tags: Mapping[str, str]) -> None:
    count = _iam_tags.count(tags)
    if count > _iam_tags.MAX_TAGS:
        noted = len(tags) - len(own_tags(tags))
        raise _refuse(
            wanted,
            f"it would have {count} tags ({noted} of them start with {RESERVED} and note which policies are this "
            f"module's), and IAM allows {_iam_tags.MAX_TAGS}. Remove tags or policies",
        )


def _check_attachments(wanted: Wanted, now: frozenset[str], then: frozenset[str], options: Options) -> None:
    most = options.max_managed_policies
    if not then <= now and len(then) > most:
        raise _refuse(
            wanted,
            f"it would have {len(then)} managed policies (now {len(now)}), and the quota is {most}. Detach or join "
            "some, or have the quota of the account raised and set max_managed_policies",
        )


def _others_left(current: Current, purged: set[str]) -> dict[str, int] | None:
    if current.other_policies is None:
        return None
    return {name: size for name, size in current.other_policies.items() if name not in purged}


def _check_inline(wanted: Wanted, current: Current, after: Current) -> None:
    now, then = inline_size(current), inline_size(after)
    if then <= INLINE_SIZE or then <= now:
        return
    others = ", ".join(f"{name} ({size})" for name, size in sorted((after.other_policies or {}).items()))
    raise _refuse(
        wanted,
        f"its inline policies would have {then} characters together (white space not counted), now {now}, and the "
        f"quota is {INLINE_SIZE}. Those that are not listed: {others}. Remove some of these, or make a managed policy "
        "of one that is listed and attach it with managed_policy_arns",
    )


def _crowded(current: Current, after: Current, options: Options) -> bool:
    """Whether adding before purging, which never leaves pods without a permission, would pass a quota on the way."""
    both = replace(after, other_policies=current.other_policies)
    return (
        _iam_tags.count({**current.tags, **after.tags}) > _iam_tags.MAX_TAGS
        or len(current.attached | after.attached) > options.max_managed_policies
        or inline_size(both) > INLINE_SIZE
    )


def _given(wanted: Any, current: Any) -> Any:
    return current if wanted is None else wanted


def _view(role: Current) -> dict[str, Any]:
    """The role for the difference that is shown."""
    return {
        "description": role.description,
        "managed_policy_arns": sorted(role.attached),
        "max_session_duration": role.max_session_duration,
        "path": role.path,
        "permissions_boundary": role.permissions_boundary,
        "policies": {name: role.policies[name] for name in sorted(role.policies)},
        "tags": dict(sorted(role.tags.items())),
        "trust_policy": dict(role.trust_policy),
    }


def _refuse(wanted: Wanted, reason: str) -> EksError:
    return EksError(f"IAM role {wanted.name!r}: {reason}.")
