# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A cluster with Traefik behind load balancers, and with ExternalDNS, as the playbook site makes it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.e2e.playbook import Run, inventory, run
from tests.sandbox.pods.workloads import Namespace
from tests.sandbox_fixtures import RunningSandbox

CLUSTER = "traffic-site"
DOMAIN = "sandbox.example.com"
SHOP, INTRANET, DIRECT = f"shop.{DOMAIN}", f"wiki.internal.{DOMAIN}", f"direct.{DOMAIN}"
BUCKET, GROUP = "traffic-access-logs", "platform"
OWNERS = {"public": f"{CLUSTER}-public", "private": f"eu-central-1.{CLUSTER}.private"}
OFTEN = {"interval": "5s", "trigger_loop_on_event": True}
VARIABLES: dict[str, Any] = {
    "platform_addons": ["alb_controller", "external_dns", "traefik"],
    "traefik_instances": [
        {
            "name": "public",
            "hosts": [f"*.{DOMAIN}"],
            "group": GROUP,
            "access_logs_bucket": BUCKET,
            "access_logs_prefix": "public",
        },
        {"name": "internal", "scheme": "internal", "https": False, "target_type": "instance"},
    ],
    "external_dns_instances": [
        {
            "name": "public",
            "zone_type": "public",
            "zones": [DOMAIN],
            "exclude_domains": [f"internal.{DOMAIN}"],
            "policy": "sync",
            "owner_id": OWNERS["public"],
            **OFTEN,
        },
        # One of its zones has the name of the public instance's.
        {"name": "private", "zone_type": "private", "zones": [f"internal.{DOMAIN}", DOMAIN], **OFTEN},
    ],
}


def furnish(site: RunningSandbox) -> None:
    """A private zone of the public one's name, a bucket and a web ACL."""
    aws = site.aws()
    fixtures, region = aws.admin("GET", "fixtures"), site.cluster(CLUSTER)["region"]
    aws.client("route53").create_hosted_zone(
        Name=DOMAIN,
        CallerReference="twin",
        HostedZoneConfig={"PrivateZone": True},
        VPC={"VPCRegion": region, "VPCId": fixtures["vpc_id"]},
    )
    aws.client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": region})
    visible = {"SampledRequestsEnabled": False, "CloudWatchMetricsEnabled": False, "MetricName": "web"}
    aws.client("wafv2").create_web_acl(
        Name="web", Scope="REGIONAL", DefaultAction={"Allow": {}}, VisibilityConfig=visible, Rules=[]
    )


def web_acl(site: RunningSandbox) -> str:
    """The ARN of the only web ACL."""
    (found,) = site.aws().client("wafv2").list_web_acls(Scope="REGIONAL")["WebACLs"]
    return str(found["ARN"])


def variables_of(site: RunningSandbox, **variables: Any) -> str:
    """What the playbook is given; ``public`` and ``internal`` are more options of these instances of Traefik."""
    more = {
        "public": {"web_acl": web_acl(site), **variables.pop("public", {})},
        "internal": variables.pop("internal", {}),
    }
    instances = [{**item, **more[item["name"]]} for item in VARIABLES["traefik_instances"]]
    return json.dumps({**VARIABLES, "traefik_instances": instances, **variables})


def converge(site: RunningSandbox, directory: Path, *options: str, **variables: Any) -> Run:
    """Run the playbook site."""
    return run(site.environment, inventory(directory, CLUSTER), "-e", variables_of(site, **variables), *options)


def pods_of(namespace: Namespace, instance: str) -> list[dict[str, Any]]:
    """The pods of an instance of Traefik, oldest first."""
    deployment = namespace.kube.get(f"/apis/apps/v1/namespaces/{namespace.name}/deployments/{instance}")
    labels = deployment["spec"]["selector"]["matchLabels"]
    selector = quote(",".join(f"{key}={value}" for key, value in labels.items()))
    items = namespace.kube.get(f"/api/v1/namespaces/{namespace.name}/pods?labelSelector={selector}")["items"]
    return sorted(items, key=lambda pod: (pod["metadata"]["creationTimestamp"], pod["metadata"]["name"]))
