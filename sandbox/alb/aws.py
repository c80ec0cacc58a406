# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Calls of AWS, and what the controller reads there before it decides.

Imported only where there is something to do: the SDK takes more memory than all else here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from sandbox.alb.subnets import public_ids

# The log of calls tells the controller's from others by this key.
ACCESS_KEY = "AKIASANDBOXALBCTRL00"
_TAGS_AT_ONCE = 20

Json = dict[str, Any]


class AwsError(Exception):
    """AWS refused or did not answer; the words are those of the controller's SDK."""


class Aws:
    """Clients of one region."""

    def __init__(self, endpoint: str, region: str) -> None:
        self._session = botocore.session.Session()
        self._session.set_credentials(ACCESS_KEY, "no+secret")
        self._endpoint = endpoint
        self._region = region
        self._clients: dict[str, Any] = {}

    def _client(self, service: str) -> Any:
        if service not in self._clients:
            config = Config(proxies={}, retries={"mode": "standard", "max_attempts": 3}, parameter_validation=False)
            self._clients[service] = self._session.create_client(
                service, region_name=self._region, endpoint_url=self._endpoint, config=config
            )
        return self._clients[service]

    def call(self, service: str, operation: str, **arguments: Any) -> Json:
        """Call an operation; raise AwsError where it fails."""
        client = self._client(service)
        with _in_its_words(client, operation):
            answer: Json = getattr(client, operation)(**arguments)
        return answer

    def all(self, service: str, operation: str, key: str, **arguments: Any) -> list[Json]:
        """Return the items of all pages."""
        client = self._client(service)
        with _in_its_words(client, operation):
            pages = client.get_paginator(operation).paginate(**arguments)
            return [item for page in pages for item in page.get(key) or []]

    def tags(self, arns: Iterable[str]) -> dict[str, dict[str, str]]:
        """Return the tags of things of Elastic Load Balancing."""
        wanted, found = list(arns), {}
        for start in range(0, len(wanted), _TAGS_AT_ONCE):
            part = wanted[start : start + _TAGS_AT_ONCE]
            for item in self.call("elbv2", "describe_tags", ResourceArns=part)["TagDescriptions"]:
                found[item["ResourceArn"]] = {tag["Key"]: tag["Value"] for tag in item["Tags"]}
        return found

    def retag(self, arn: str, current: Mapping[str, str], wanted: Mapping[str, str]) -> None:
        """Give a thing of Elastic Load Balancing the tags that it should have."""
        more = [{"Key": key, "Value": value} for key, value in wanted.items() if current.get(key) != value]
        less = [key for key in current if key not in wanted and not key.startswith("aws:")]
        if more:
            self.call("elbv2", "add_tags", ResourceArns=[arn], Tags=more)
        if less:
            self.call("elbv2", "remove_tags", ResourceArns=[arn], TagKeys=less)


@contextmanager
def _in_its_words(client: Any, operation: str) -> Iterator[None]:
    model = client.meta.service_model
    where = f"operation error {model.service_id}: {client.meta.method_to_api_mapping[operation]}"
    try:
        yield
    except ClientError as refused:
        error = refused.response["Error"]
        raise AwsError(f"{where}, api error {error['Code']}: {error['Message']}") from refused
    except BotoCoreError as failed:
        raise AwsError(f"{where}, {failed}") from failed


def having(tags: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    """Tell whether tags have all of these."""
    return all(tags.get(key) == value for key, value in wanted.items())


class AwsAccount:
    """What is in AWS, each thing read once."""

    def __init__(self, aws: Aws, cluster: str, vpc: str) -> None:
        self._aws = aws
        self._cluster = cluster
        self._vpc = vpc
        self._read: dict[str, Any] = {}

    def vpc(self) -> str:
        """Return the id of the cluster's VPC."""
        if not self._vpc:
            found = self._aws.call("eks", "describe_cluster", name=self._cluster)["cluster"]
            self._vpc = str(found["resourcesVpcConfig"]["vpcId"])
        return self._vpc

    def subnets(self) -> list[Json]:
        """Return all subnets of the VPC."""
        return self._inside("describe_subnets", "Subnets")

    def public(self) -> set[str]:
        """Return the ids of the subnets that have a route to an internet gateway."""
        return public_ids(self.subnets(), self._inside("describe_route_tables", "RouteTables"))

    def zones(self) -> dict[str, str]:
        """Return the type of each Availability Zone."""
        if "zones" not in self._read:
            zones = self._aws.call("ec2", "describe_availability_zones")["AvailabilityZones"]
            self._read["zones"] = {zone["ZoneName"]: zone.get("ZoneType", "availability-zone") for zone in zones}
        return dict(self._read["zones"])

    def security_groups(self) -> list[Json]:
        """Return all security groups of the VPC."""
        return self._inside("describe_security_groups", "SecurityGroups")

    def certificates(self) -> dict[str, set[str]]:
        """Return the domains of each certificate that ACM has issued, by ARN."""
        if "certificates" not in self._read:
            listed = self._aws.all("acm", "list_certificates", "CertificateSummaryList", CertificateStatuses=["ISSUED"])
            self._read["certificates"] = {
                item["CertificateArn"]: set(
                    self._aws.call("acm", "describe_certificate", CertificateArn=item["CertificateArn"])["Certificate"][
                        "SubjectAlternativeNames"
                    ]
                )
                for item in listed
            }
        return dict(self._read["certificates"])

    def load_balancers(self, tags: Mapping[str, str]) -> list[Json]:
        """Return the load balancers that have all of these tags, with their own as ``Tags``."""
        return self.tagged("describe_load_balancers", "LoadBalancers", "LoadBalancerArn", tags)

    def load_balancer(self, tags: Mapping[str, str]) -> Json | None:
        """Return the first load balancer that has all of these tags."""
        return next(iter(self.load_balancers(tags)), None)

    def web_acl(self, name: str) -> str | None:
        """Return the ARN of a web ACL of WAFv2."""
        listed = self._aws.call("wafv2", "list_web_acls", Scope="REGIONAL")["WebACLs"]
        return next((str(item["ARN"]) for item in listed if item["Name"] == name), None)

    def tagged(self, operation: str, key: str, arn: str, tags: Mapping[str, str]) -> list[Json]:
        """Return things of Elastic Load Balancing that have all of these tags, with their own as ``Tags``."""
        items = self._aws.all("elbv2", operation, key)
        found = self._aws.tags(item[arn] for item in items)
        return [item | {"Tags": found[item[arn]]} for item in items if having(found.get(item[arn], {}), tags)]

    def _inside(self, operation: str, key: str) -> list[Json]:
        if operation not in self._read:
            filters = [{"Name": "vpc-id", "Values": [self.vpc()]}]
            self._read[operation] = self._aws.all("ec2", operation, key, Filters=filters)
        return list(self._read[operation])
