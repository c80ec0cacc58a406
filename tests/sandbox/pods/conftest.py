# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What tests of pods that really run begin with."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest

from sandbox.lifecycle import DEFAULT_CLUSTER
from tests.sandbox_fixtures import RunningSandbox
from tests.support import wait_until

from .dns import domain_of, own_records, trusting
from .workloads import Namespace


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """The name of a namespace, made of the test's."""
    return re.sub(r"[^a-z0-9]+", "-", request.node.name.removeprefix("test_"))[:40].strip("-")


@pytest.fixture
def namespace(sandbox: RunningSandbox, name: str, request: pytest.FixtureRequest) -> Iterator[Namespace]:
    """An empty namespace, of the cluster that the test's module names if it does."""
    cluster = getattr(request.module, "CLUSTER", DEFAULT_CLUSTER)
    sandbox.up(cluster)
    space = Namespace(sandbox, name, cluster)
    space.apply("v1", "Namespace", name)
    yield space
    started = space.processes()
    space.remove()
    wait_until(lambda: not space.alive(started), "the end of the namespace's programs")
    space.close()


@pytest.fixture
def zones(sandbox: RunningSandbox, name: str) -> Iterator[dict[str, str]]:
    """A public and a private zone of the test's domain: kind to id.

    A test asks for them before its namespace, so that nobody writes to them any more once they go.
    """
    aws, region = sandbox.aws(), sandbox.cluster()["region"]
    route53, vpc = aws.client("route53"), aws.admin("GET", "fixtures")["vpc_id"]
    domain = domain_of(name)
    made = {
        "public": route53.create_hosted_zone(Name=domain, CallerReference=f"{domain}-public"),
        "private": route53.create_hosted_zone(
            Name=domain,
            CallerReference=f"{domain}-private",
            HostedZoneConfig={"PrivateZone": True},
            VPC={"VPCRegion": region, "VPCId": vpc},
        ),
    }
    ids = {kind: zone["HostedZone"]["Id"] for kind, zone in made.items()}
    yield ids
    for zone in ids.values():
        changes = [{"Action": "DELETE", "ResourceRecordSet": item} for item in own_records(route53, zone)]
        if changes:
            route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": changes})
        route53.delete_hosted_zone(Id=zone)


@pytest.fixture
def role(namespace: Namespace) -> Iterator[Callable[[str], str]]:
    """Make a role for a service account of the namespace, and return its ARN."""
    made: list[str] = []

    def make(account: str) -> str:
        made.append(trusting(namespace, account))
        return made[-1]

    yield make
    iam = namespace.sandbox.aws().client("iam")
    for arn in made:
        iam.delete_role(RoleName=arn.rpartition("/")[2])
