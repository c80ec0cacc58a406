# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What is asked of a trust policy, checked before any call, so that nothing is half-written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils import _arn, _cluster
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError
from ansible_collections.ekspress.eks.plugins.module_utils._irsa_input import service_account_fault
from ansible_collections.ekspress.eks.plugins.module_utils._trust_policy_limits import DEFAULT_LENGTH, LONGEST
from ansible_collections.ekspress.eks.plugins.module_utils._trust_policy_write import LONGEST_SETTLE


@dataclass(frozen=True)
class Wanted:
    """The task's options."""

    name: str
    arn: str
    """'' where only the name is given."""
    clusters: tuple[str, ...]
    issuers: tuple[str, ...]
    service_accounts: tuple[str, ...] | None
    """None for all of these issuers, which only state absent knows."""
    state: str
    purge_service_accounts: bool
    prune_orphans: bool
    max_length: int
    settle: int


def wanted_from(params: dict[str, Any], partition: str) -> Wanted:
    """The options. Raises EksError, naming the option, for what cannot be; ``partition`` is the region's."""
    arn = params["role"] if params["role"].startswith("arn:") else ""
    clusters, issuers = (tuple(dict.fromkeys(params[name] or ())) for name in ("clusters", "issuers"))
    if not clusters and not issuers:
        raise EksError("clusters and issuers are empty: name at least one EKS cluster or issuer.")
    for name in clusters:
        _cluster.check_name(name)
    for url in issuers:
        _arn.check_issuer(url)
    return Wanted(
        name=_name_from(arn, partition) if arn else _checked_name(params["role"]),
        arn=arn,
        clusters=clusters,
        issuers=issuers,
        service_accounts=_service_accounts(params["service_accounts"], params["state"]),
        state=params["state"],
        purge_service_accounts=params["purge_service_accounts"],
        prune_orphans=params["prune_orphans"],
        max_length=_in_range(
            params, "max_length", DEFAULT_LENGTH, LONGEST, "IAM's quota of a trust policy (its default, its highest)"
        ),
        settle=_in_range(params, "settle", 0, LONGEST_SETTLE, "the seconds that a write is watched"),
    )


def _name_from(arn: str, partition: str) -> str:
    role = _arn.parse_iam(arn, "role", "role")
    if role.partition != partition:
        raise EksError(
            f"role {arn} is in partition {role.partition}, the region of the task in {partition}: set region to one of "
            f"{role.partition}, and credentials of it."
        )
    return role.name


def _checked_name(name: str) -> str:
    if not _arn.ROLE_NAME.fullmatch(name):
        raise EksError(
            f"role {name!r} is neither the name nor the ARN of an IAM role: a name has 1 to 64 letters, digits and "
            "_+=,.@- (no path)."
        )
    return name


def _service_accounts(given: list[str] | None, state: str) -> tuple[str, ...] | None:
    if given is None:
        return None
    if not given:
        rest = "leave it out to remove all of these issuers" if state == "absent" else "name at least one"
        raise EksError(f"service_accounts is an empty list: {rest}.")
    for item in given:
        fault = service_account_fault(item)
        if fault:
            raise EksError(f"service_accounts: {fault}")
    return tuple(dict.fromkeys(given))


def _in_range(params: dict[str, Any], option: str, lowest: int, highest: int, what: str) -> int:
    value = int(params[option])
    if not lowest <= value <= highest:
        raise EksError(f"{option} is {value}; {what} is from {lowest} to {highest}.")
    return value
