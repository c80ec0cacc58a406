# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The IAM OIDC provider that roles are about to trust: without it IAM takes the trust policy, and STS no pod's token.

https://docs.aws.amazon.com/eks/latest/userguide/enable-iam-roles-for-service-accounts.html
"""

from __future__ import annotations

from collections.abc import Iterable

from ansible_collections.ekspress.eks.plugins.module_utils._aws import Aws, unless_missing
from ansible_collections.ekspress.eks.plugins.module_utils._context import Context
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError
from ansible_collections.ekspress.eks.plugins.module_utils._irsa_input import Wanted
from ansible_collections.ekspress.eks.plugins.module_utils._irsa_roles_plan import Plan
from ansible_collections.ekspress.eks.plugins.module_utils._trust_policy_plan import AUDIENCE, Issuer
from ansible_collections.ekspress.eks.plugins.module_utils._trust_policy_write import PAUSES

TRUST_WRITES = frozenset({"create_role", "update_assume_role_policy"})


def trust_is_written(work: Iterable[tuple[Wanted, Plan]]) -> bool:
    """Whether a role that stays gets a trust policy written, which then names the issuer's provider."""
    return any(
        role.state == "present" and any(write.operation in TRUST_WRITES for write in each.writes) for role, each in work
    )


def check_provider(aws: Aws, context: Context, issuer: Issuer, cluster: str | None, fault: str | None = None) -> None:
    """Raise EksError where the provider is not there, or without EKS's audience, after the pauses; one call if it is.

    In check mode one call and a warning: the task before may be the one that would create it. ``cluster`` is the name
    of the EKS cluster where it is known, ``fault`` what ``provider_fault`` said where it was asked already.
    """
    if fault is None:
        fault = provider_fault(aws, issuer, cluster)
    if context.check_mode:
        if fault:
            context.warn(
                f"{fault}; the run would be refused unless it is put right before: "
                "role ekspress.eks.identity, or module ekspress.eks.oidc_provider."
            )
        return
    for pause in PAUSES:
        if not fault:
            return
        context.cancelled.wait(pause)
        fault = provider_fault(aws, issuer, cluster)
    if fault:
        raise EksError(
            f"{fault}, so pods would get no AWS credentials from the IAM roles; nothing was changed. "
            "Run the role ekspress.eks.identity or the module ekspress.eks.oidc_provider first."
        )


def warn_of_provider(context: Context, found: str | EksError, roles: Iterable[str]) -> None:
    """Warn where roles that stay as they are trust a provider of no use to pods, or one that could not be read.

    ``found`` is the answer of ``provider_fault``, or the error that it raised.
    """
    names = ", ".join(roles)
    if isinstance(found, EksError):
        context.warn(f"Whether the OIDC provider that the IAM roles {names} trust exists is not known: {found.message}")
    elif found:
        context.warn(
            f"{found}, so pods get no AWS credentials from the IAM roles {names}. "
            "Run the role ekspress.eks.identity or the module ekspress.eks.oidc_provider."
        )


def provider_fault(aws: Aws, issuer: Issuer, cluster: str | None) -> str:
    """What is wrong with the provider, in words; '' where nothing is. One call."""
    iam, arn = aws.client("iam"), issuer.provider_arn
    answer = unless_missing(
        lambda: aws.call(iam, "get_open_id_connect_provider", OpenIDConnectProviderArn=arn), "NoSuchEntity"
    )
    owner = f"EKS cluster {cluster!r}" if cluster else f"issuer https://{issuer.host_path}"
    if answer is None:
        return f"The IAM OIDC provider {arn} of {owner} does not exist"
    audiences = sorted(answer.get("ClientIDList", []))
    if AUDIENCE not in audiences:
        others = f"its audiences: {', '.join(audiences)}" if audiences else "it has none"
        return f"The IAM OIDC provider {arn} of {owner} has not the audience {AUDIENCE} ({others})"
    return ""
