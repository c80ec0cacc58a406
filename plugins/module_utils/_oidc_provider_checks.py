# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The options of oidc_provider, checked against IAM's rules before any call."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils import _iam_tags
from ansible_collections.ekspress.eks.plugins.module_utils._arn import check_issuer
from ansible_collections.ekspress.eks.plugins.module_utils._cluster import check_name
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError
from ansible_collections.ekspress.eks.plugins.module_utils._oidc_provider_plan import Desired

AUDIENCE_LENGTH = 255
MAX_THUMBPRINTS = 5
THUMBPRINT = re.compile(r"[0-9A-Fa-f]{40}")
"""https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateOpenIDConnectProvider.html"""


def desired_from(params: Mapping[str, Any]) -> Desired:
    """The desired state that the options describe. Raises EksError naming the option that IAM would refuse."""
    if params["cluster"] is not None:
        check_name(params["cluster"])
    else:
        check_issuer(params["issuer"])
    audiences, thumbprints = params["audiences"], params["thumbprints"]
    _check_audiences(audiences, params["purge_audiences"])
    if thumbprints is not None:
        _check_thumbprints(thumbprints)
    return Desired(
        audiences=frozenset(audiences),
        purge_audiences=params["purge_audiences"],
        thumbprints=None if thumbprints is None else frozenset(thumbprint.lower() for thumbprint in thumbprints),
        tags=None if params["tags"] is None else checked_tags(params["tags"]),
        purge_tags=params["purge_tags"],
    )


def _check_audiences(audiences: list[str], purge: bool) -> None:
    if purge and not audiences:
        raise EksError(
            "audiences is empty and purge_audiences is true: nobody could use the OIDC provider any more. "
            "Give the audiences that stay, or use state=absent."
        )
    for audience in audiences:
        if not 1 <= len(audience) <= AUDIENCE_LENGTH:
            raise EksError(
                f"The audience {audience!r} has {len(audience)} characters; IAM takes 1 to {AUDIENCE_LENGTH}. "
                "Pods of EKS need sts.amazonaws.com, in every partition."
            )


def _check_thumbprints(thumbprints: list[str]) -> None:
    if not 1 <= len(thumbprints) <= MAX_THUMBPRINTS:
        raise EksError(
            f"thumbprints has {len(thumbprints)} entries; IAM takes 1 to {MAX_THUMBPRINTS}. "
            "Leave the option out where you have none: EKS issuers need none."
        )
    for thumbprint in thumbprints:
        if not THUMBPRINT.fullmatch(thumbprint):
            raise EksError(
                f"The thumbprint {thumbprint!r} is not the SHA-1 hash of a certificate: 40 hexadecimal digits without "
                "colons. Leave the option out where you have none: EKS issuers need none."
            )


def checked_tags(tags: Mapping[Any, Any]) -> dict[str, str]:
    """The tags as texts (numbers are written out). Raises EksError naming the tag that IAM would refuse."""
    checked: dict[str, str] = {}
    for given, value in tags.items():
        key, text = str(given), _iam_tags.text_of(value)
        if text is None:
            raise EksError(f"The value of the tag {key!r} is {value!r}: quote it in YAML, tags have texts as values.")
        fault = _iam_tags.fault(key, text)
        if fault:
            raise EksError(f"IAM does not take the tag {key!r} with the value {text!r}: {fault}.")
        checked[key] = text
    both = _iam_tags.differ_in_case(checked)
    if both:
        raise EksError(
            f"The tags {both[0]!r} and {both[1]!r} differ in case only; IAM takes them for one. Give one of them."
        )
    return checked
