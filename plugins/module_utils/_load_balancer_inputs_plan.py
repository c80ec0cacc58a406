# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What is wrong with what a load balancer is to use: pure judgements on what AWS says of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils._arn import Arn, parse
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError

ISSUED = "ISSUED"
CLOUDFRONT = "global/webacl/"
WEB_ACL = re.compile(r"(regional|global)/webacl/(?P<name>[\w-]{1,128})/(?P<id>[\w-]{1,36})")
"""https://docs.aws.amazon.com/service-authorization/latest/reference/list_awswafv2.html"""

SECURITY_GROUP = re.compile(r"sg-[0-9a-f]{8,17}")


@dataclass(frozen=True)
class Wanted:
    """What one load balancer is to use."""

    name: str
    certificates: tuple[str, ...]
    hosts: tuple[str, ...]
    web_acl: str
    security_groups: tuple[str, ...]


@dataclass(frozen=True)
class Certificate:
    """A certificate of ACM."""

    arn: str
    status: str
    domains: frozenset[str]
    not_after: datetime | None = None
    complete: bool = True
    """Whether ``domains`` are all; a list of certificates may have but some."""

    def covers(self, host: str) -> bool:
        """Whether it is for a host, which may be a wildcard itself."""
        return any(covers(domain, host) for domain in self.domains)


@dataclass(frozen=True)
class Known:
    """What AWS says; None stands for what does not exist."""

    certificates: Mapping[str, Certificate | None]
    """By ARN, of those that are named; and of those found, the ones that may cover a host."""
    web_acls: Mapping[str, bool]
    security_groups: Mapping[str, str]
    """VPCs by group."""


@dataclass(frozen=True)
class Problem:
    """Why a value cannot be used, and what to do."""

    load_balancer: str
    option: str
    value: str
    message: str


def covers(domain: str, host: str) -> bool:
    """Whether a certificate's domain is a host's, as the AWS Load Balancer Controller has it.

    A wildcard stands for exactly one label, the first; a host that is a wildcard needs the same one. Case does not
    count.
    https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/ingress/cert_discovery/
    """
    domain, host = domain.lower(), host.lower()
    if domain == host:
        return True
    return domain.startswith("*.") and not host.startswith("*.") and domain[2:] == host.partition(".")[2]


def named_certificate(arn: str, region: str) -> Arn | str:
    """The ARN of a certificate that an ALB of the region can have, or what is wrong with it."""
    try:
        parsed = parse(arn, "the certificate")
    except EksError as error:
        return error.message
    if parsed.service != "acm" or parsed.resource_type != "certificate":
        return "it is no ARN of a certificate of ACM (arn:aws:acm:REGION:ACCOUNT:certificate/ID)"
    if parsed.region != region:
        return f"it is in {parsed.region or 'no region'}, and a load balancer takes those of its own region, {region}"
    return parsed


def named_web_acl(arn: str, region: str) -> tuple[str, str] | str:
    """Name and id of a web ACL that an ALB of the region can have, or what is wrong with it."""
    try:
        parsed = parse(arn, "the web ACL")
    except EksError as error:
        return error.message
    found = WEB_ACL.fullmatch(parsed.resource)
    if parsed.service != "wafv2" or not found:
        return "it is no ARN of a web ACL of WAFv2 (arn:aws:wafv2:REGION:ACCOUNT:regional/webacl/NAME/ID)"
    if parsed.resource.startswith(CLOUDFRONT):
        return "its scope is CLOUDFRONT, and a load balancer needs one of the scope REGIONAL"
    if parsed.region != region:
        return f"it is in {parsed.region}, and a load balancer takes those of its own region, {region}"
    return found["name"], found["id"]


def open_hosts(load_balancers: Iterable[Wanted], certificates: Iterable[Certificate]) -> set[str]:
    """Hosts of load balancers without certificates of their own for which none of these certificates is."""
    known = [item for item in certificates if item.status == ISSUED]
    hosts = {host for item in load_balancers if not item.certificates for host in item.hosts}
    return {host for host in hosts if not any(item.covers(host) for item in known)}


def problems(wanted: Sequence[Wanted], known: Known, region: str, vpc_id: str, now: datetime) -> list[Problem]:
    """All that is wrong, in the order of the load balancers."""
    found = []
    for item in wanted:
        complaints = [
            *(("certificates", arn, _certificate(arn, known, region, now)) for arn in item.certificates),
            *(("hosts", host, _host(host, item, known, region, now)) for host in item.hosts),
            ("web_acl", item.web_acl, _web_acl(item.web_acl, known, region)),
            *(("security_groups", group, _security_group(group, known, vpc_id)) for group in item.security_groups),
        ]
        found += [Problem(item.name, option, value, message) for option, value, message in complaints if message]
    return found


def _certificate(arn: str, known: Known, region: str, now: datetime) -> str:
    parsed = named_certificate(arn, region)
    if isinstance(parsed, str):
        return parsed
    certificate = known.certificates.get(arn)
    if certificate is None:
        return f"there is no such certificate in ACM of account {parsed.account} in {region}"
    return _unusable(certificate, now)


def _unusable(certificate: Certificate, now: datetime) -> str:
    ended = certificate.not_after is not None and certificate.not_after <= now
    if certificate.status == "EXPIRED" or (certificate.status == ISSUED and ended):
        when = f" on {certificate.not_after:%Y-%m-%d}" if certificate.not_after else ""
        return f"it expired{when}: renew it in ACM, or name another"
    if certificate.status == "PENDING_VALIDATION":
        return (
            "it is not issued yet: make the records in DNS that prove the domain is yours, and wait until ACM saw them"
        )
    if certificate.status != ISSUED:
        return f"its status in ACM is {certificate.status}, not {ISSUED}: name another"
    return ""


def _host(host: str, item: Wanted, known: Known, region: str, now: datetime) -> str:
    if item.certificates:
        named = [known.certificates.get(arn) for arn in item.certificates]
        if not all(named) or any(found and found.covers(host) for found in named):
            # One that does not exist is complained of already.
            return ""
        return "none of the certificates that are named is for it: name one that is, too, or take the host out"
    found = [each for each in known.certificates.values() if each and each.covers(host)]
    if any(not _unusable(each, now) for each in found):
        return ""
    parent = host.removeprefix("*.") if host.startswith("*.") else host.partition(".")[2]
    wanted = f"{host} or *.{parent}" if parent.count(".") and not host.startswith("*.") else host
    if found:
        return f"the certificate {found[0].arn} for it expired: renew it in ACM"
    return f"no certificate that ACM issued in {region} is for it: request one for {wanted} there"


def _web_acl(arn: str, known: Known, region: str) -> str:
    if arn in ("", "none"):
        return ""
    parsed = named_web_acl(arn, region)
    if isinstance(parsed, str):
        return parsed
    return (
        "" if known.web_acls.get(arn) else f"there is no such web ACL in {region}, in the account of these credentials"
    )


def _security_group(group: str, known: Known, vpc_id: str) -> str:
    if not SECURITY_GROUP.fullmatch(group):
        return "it is no id of a security group, such as sg-0a1b2c3d4e5f67890"
    vpc = known.security_groups.get(group)
    if vpc is None:
        return "there is no such security group in this account and region"
    return "" if vpc == vpc_id else f"it is of {vpc}, and the cluster's load balancers are in {vpc_id}"


def certificate(item: Mapping[str, Any]) -> Certificate:
    """A certificate as DescribeCertificate has it, or, where it has fewer fields, as ListCertificates has."""
    summaries = item.get("SubjectAlternativeNameSummaries")
    names = item.get("SubjectAlternativeNames") or summaries or []
    summary = "SubjectAlternativeNames" not in item
    return Certificate(
        arn=item["CertificateArn"],
        status=item.get("Status", ISSUED if summary else ""),
        domains=frozenset(filter(None, [item.get("DomainName", ""), *names])),
        not_after=_moment(item.get("NotAfter")),
        complete=not summary or (summaries is not None and not item.get("HasAdditionalSubjectAlternativeNames")),
    )


def _moment(value: Any) -> datetime | None:
    if not isinstance(value, datetime):
        return None
    return value if value.tzinfo else value.replace(tzinfo=UTC)
