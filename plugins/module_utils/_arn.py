# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Amazon Resource Names, read, checked and built; and the issuers that IAM's OIDC providers are named after.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError

PARTITION = re.compile(r"aws(-[a-z]+)*")
ACCOUNT = re.compile(r"[0-9]{12}")
_SERVICE = re.compile(r"[a-z0-9-]+")
_REGION = re.compile(r"[a-z0-9-]*")
_ARN_ACCOUNT = re.compile(r"[0-9]{12}|aws|")
_RESOURCE = re.compile(r"[\x21-\x7e]+")

ROLE_NAME = re.compile(r"[A-Za-z0-9_+=,.@-]{1,64}")
POLICY_NAME = re.compile(r"[A-Za-z0-9_+=,.@-]{1,128}")
PATH = re.compile(r"/([\x21-\x7e]{0,510}/)?")
"""https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html and API_CreatePolicy.html"""

ISSUER_LENGTH = 255
"""https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateOpenIDConnectProvider.html"""
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)+")
_ISSUER_PATH = re.compile(r"(/[A-Za-z0-9._~!$&'()*+,;=:@%-]*)*")


@dataclass(frozen=True)
class Arn:
    """The parts of an ARN. ``region`` and ``account`` are '' where the resource has none (IAM has no region)."""

    partition: str
    service: str
    region: str
    account: str
    resource: str

    def __str__(self) -> str:
        return f"arn:{self.partition}:{self.service}:{self.region}:{self.account}:{self.resource}"

    @property
    def resource_type(self) -> str:
        """What stands before the first slash or colon of the resource, such as ``role``; '' where there is none."""
        found = re.match(r"[^/:]+(?=[/:])", self.resource)
        return found.group() if found else ""

    @property
    def resource_id(self) -> str:
        """What stands after ``resource_type`` and its separator: a role's path without its first slash, and name."""
        kind = self.resource_type
        return self.resource[len(kind) + 1 :] if kind else self.resource

    @property
    def name(self) -> str:
        """The last part of ``resource_id``: the name of a role, policy, user or cluster without its path."""
        return self.resource_id.rpartition("/")[2]


def parse(text: str, what: str = "ARN") -> Arn:
    """Read an ARN. Raises EksError that calls the value ``what`` where it is not one."""
    parts = text.split(":", 5)
    if len(parts) == 6 and parts[0] == "arn":
        arn = Arn(*parts[1:])
        if (
            PARTITION.fullmatch(arn.partition)
            and _SERVICE.fullmatch(arn.service)
            and _REGION.fullmatch(arn.region)
            and _ARN_ACCOUNT.fullmatch(arn.account)
            and _RESOURCE.fullmatch(arn.resource)
        ):
            return arn
    raise EksError(
        f"{what} {text!r} is not an ARN: it has the form arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE with a "
        "partition such as aws, aws-cn or aws-us-gov, and an account of 12 digits. Check for missing parts and spaces."
    )


def parse_iam(text: str, kind: str, what: str | None = None) -> Arn:
    """Read the ARN of an IAM resource of one kind: role, policy, user, oidc-provider, …

    Raises EksError that names the option ``what`` where it is not such an ARN; it says what the ARN is instead.
    """
    label = what or f"The {kind} ARN"
    arn = parse(text, label)
    if arn.service == "iam" and not arn.region and arn.account and arn.resource_type == kind and _well_named(arn, kind):
        return arn
    found = f"{arn.service} {arn.resource_type or arn.resource}"
    reason = f"of kind {found!r}" if found != f"iam {kind}" else "with an invalid account, path or name"
    raise EksError(
        f"{label} {text!r} is an ARN {reason}; needed is the ARN of an IAM {kind}, "
        f"such as arn:{arn.partition}:iam::111122223333:{kind}/NAME."
    )


def _well_named(arn: Arn, kind: str) -> bool:
    patterns = {"role": ROLE_NAME, "policy": POLICY_NAME}
    if kind in patterns:
        path = f"/{arn.resource_id[: len(arn.resource_id) - len(arn.name)]}"
        return bool(patterns[kind].fullmatch(arn.name) and PATH.fullmatch(path))
    return bool(arn.resource_id)


def check_account(account: str) -> None:
    """Raise EksError unless ``account`` is an AWS account ID."""
    if not ACCOUNT.fullmatch(account):
        raise EksError(f"{account!r} is not an AWS account ID: it has 12 digits; quote it in YAML, so that zeros stay.")


def role(partition: str, account: str, name: str, path: str = "/") -> str:
    """The ARN of an IAM role."""
    return str(Arn(partition, "iam", "", account, f"role{path}{name}"))


def policy(partition: str, account: str, name: str, path: str = "/") -> str:
    """The ARN of an IAM managed policy; ``account`` is ``aws`` for the policies that AWS manages."""
    return str(Arn(partition, "iam", "", account, f"policy{path}{name}"))


def check_issuer(issuer: str) -> None:
    """Raise EksError unless IAM takes ``issuer`` as an OIDC provider's URL.

    HTTPS, no port, no query, at most 255 characters:
    https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateOpenIDConnectProvider.html
    """
    fault = _issuer_fault(issuer)
    if fault:
        raise EksError(
            f"{issuer!r} is not an OIDC issuer that IAM accepts: {fault}. Give it as the cluster's identity.oidc.issuer"
            " has it, such as https://oidc.eks.eu-central-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B71EXAMPLE."
        )


def _issuer_fault(issuer: str) -> str | None:
    try:
        parts = urlsplit(issuer)
        port = parts.port
    except ValueError as error:
        return str(error)
    if not issuer.startswith("https://"):
        fault = "it must start with https://"
    elif len(issuer) > ISSUER_LENGTH:
        fault = f"it has {len(issuer)} characters and {ISSUER_LENGTH} is the most"
    elif "@" in parts.netloc:
        fault = "it must not hold a user or password"
    elif port is not None or parts.netloc.endswith(":"):
        fault = "it must not hold a port"
    elif "?" in issuer or "#" in issuer:
        fault = "it must not hold a query or fragment"
    elif not _HOST.fullmatch(parts.netloc):
        fault = f"{parts.netloc!r} is not a host name"
    elif not _ISSUER_PATH.fullmatch(issuer[len("https://") + len(parts.netloc) :]):
        fault = "its path holds characters that a URL must not hold"
    else:
        return None
    return fault


def oidc_provider(partition: str, account: str, issuer: str) -> str:
    """The ARN of the IAM OIDC provider of an issuer, in the account that has the provider.

    Raises EksError where the issuer is not a URL that IAM accepts.
    """
    check_issuer(issuer)
    return str(Arn(partition, "iam", "", account, f"oidc-provider/{issuer.removeprefix('https://')}"))


def issuer_of(provider_arn: str) -> str:
    """The issuer (a URL) of an IAM OIDC provider's ARN. Raises EksError where it is not such an ARN."""
    return f"https://{parse_iam(provider_arn, 'oidc-provider').resource_id}"
