# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is wanted is made in AWS, changed there and removed: against the sandbox's AWS, without Kubernetes."""

from __future__ import annotations

import functools
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from sandbox.alb.aws import ACCESS_KEY, Aws, AwsAccount, AwsError
from sandbox.alb.build import build
from sandbox.alb.controller import Controller
from sandbox.alb.deploy import Deployer
from sandbox.alb.model import Model, stack_tags
from sandbox.aws.client import AwsServer
from tests.sandbox.alb.objects import groups, ingress, service
from tests.sandbox.webhook import authority

Json = dict[str, Any]
STACK = {"elbv2.k8s.aws/cluster": "sandbox-blue", "ingress.k8s.aws/stack": "apps/web"}
WIDE = {"scheme": "internet-facing"}


@functools.cache
def _clients(endpoint: str, region: str) -> Aws:
    return Aws(endpoint, region)


class Account:
    """The emulated account, and the controller's way to it."""

    def __init__(self, aws: AwsServer) -> None:
        self.server = aws
        self.aws = _clients(aws.endpoint, aws.region)
        self.elb = aws.client("elbv2")
        self.fill()

    def fill(self) -> None:
        """Make a VPC with two public and two private subnets, a security group and two certificates."""
        ec2 = self.server.client("ec2")
        vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        self.subnets = {}
        for number, name in enumerate(("public-a", "public-b", "private-a", "private-b")):
            tags = {"Name": name, f"kubernetes.io/role/{'elb' if 'public' in name else 'internal-elb'}": "1"}
            made = ec2.create_subnet(
                VpcId=vpc,
                CidrBlock=f"10.0.{number}.0/24",
                AvailabilityZone=f"eu-central-1{name[-1]}",
                TagSpecifications=[
                    {"ResourceType": "subnet", "Tags": [{"Key": key, "Value": tags[key]} for key in tags]}
                ],
            )
            self.subnets[name] = made["Subnet"]["SubnetId"]
        self.group = ec2.create_security_group(GroupName="web", Description="web", VpcId=vpc)["GroupId"]
        self.certificates = [self._certificate(name) for name in ("www.example.com", "www.example.org")]
        self.controller = Controller("sandbox-blue", vpc=vpc, tags={"team": "platform"})

    def _certificate(self, domain: str) -> str:
        """Import a certificate into ACM: such a one is issued at once."""
        certificate, key = authority(domain)
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
        text = certificate.public_bytes(Encoding.PEM)
        imported = self.server.client("acm").import_certificate(Certificate=text, PrivateKey=pem)
        return str(imported["CertificateArn"])

    def read(self) -> AwsAccount:
        """Return what is in AWS now, yet to be read."""
        return AwsAccount(self.aws, self.controller.cluster, self.controller.vpc)

    def deploy(self, *ingresses: Json, services: tuple[Json, ...] = ()) -> str | None:
        """Bring about what Ingresses want."""
        account = self.read()
        ((_id, group),) = groups(*ingresses, controller=self.controller).groups.items()
        known = {f"apps/{item['metadata']['name']}": item for item in services or (service(),)}
        return Deployer(self.aws, account).deploy(build(self.controller, group, known, account))

    def remove(self) -> None:
        """Bring about that nothing is left of the group."""
        assert Deployer(self.aws, self.read()).deploy(Model(stack_tags(self.controller, "apps/web"))) is None

    def balancers(self) -> list[Json]:
        """Return all load balancers."""
        return list(self.elb.describe_load_balancers()["LoadBalancers"])

    def listeners(self) -> dict[int, Json]:
        """Return the listeners of the only load balancer by port."""
        (balancer,) = self.balancers()
        listed = self.elb.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]
        return {item["Port"]: item for item in listed}

    def rules(self, port: int) -> list[Json]:
        """Return the rules of a port, in order, but the default one."""
        listed = self.elb.describe_rules(ListenerArn=self.listeners()[port]["ListenerArn"])["Rules"]
        return sorted((item for item in listed if not item["IsDefault"]), key=lambda item: int(item["Priority"]))

    def target_groups(self) -> list[Json]:
        """Return all target groups."""
        return list(self.elb.describe_target_groups()["TargetGroups"])

    def tags(self, arn: str) -> dict[str, str]:
        """Return tags."""
        (found,) = self.elb.describe_tags(ResourceArns=[arn])["TagDescriptions"]
        return {tag["Key"]: tag["Value"] for tag in found["Tags"]}

    def attributes(self, arn: str) -> dict[str, str]:
        """Return the attributes of a load balancer."""
        listed = self.elb.describe_load_balancer_attributes(LoadBalancerArn=arn)["Attributes"]
        return {item["Key"]: item["Value"] for item in listed}

    def security_groups(self) -> list[Json]:
        """Return the security groups that the controller made."""
        filters = [{"Name": f"tag:{key}", "Values": [value]} for key, value in STACK.items()]
        return list(self.server.client("ec2").describe_security_groups(Filters=filters)["SecurityGroups"])

    def writes(self, *ingresses: Json) -> list[str]:
        """Bring about what Ingresses want, and return the writes that it took."""
        self.server.clear_calls()
        self.deploy(*ingresses)
        return [call["operation"] for call in self.server.calls(writes=True)]


@pytest.fixture
def account(aws: AwsServer) -> Account:
    """An account with a small network."""
    return Account(aws)


def _paths(*paths: str) -> list[Json]:
    backend = {"service": {"name": "web", "port": {"number": 80}}}
    return [
        {
            "host": "www.example.org",
            "http": {"paths": [{"path": p, "pathType": "Exact", "backend": backend} for p in paths]},
        }
    ]


def test_everything_that_annotations_ask_for(account: Account, aws: AwsServer) -> None:
    acl = _web_acl(aws)
    hostname = account.deploy(
        ingress(
            annotations=WIDE
            | {
                "listen-ports": '[{"HTTP": 80}, {"HTTPS": 443}]',
                "ssl-redirect": "443",
                "ssl-policy": "ELBSecurityPolicy-TLS13-1-2-2021-06",
                "certificate-arn": ",".join(account.certificates),
                "subnets": "private-a,private-b",
                "security-groups": account.group,
                "target-type": "ip",
                "healthcheck-path": "/ping",
                "healthcheck-port": "8080",
                "load-balancer-attributes": "idle_timeout.timeout_seconds=600",
                "target-group-attributes": "deregistration_delay.timeout_seconds=30",
                "tags": "Environment=dev",
                "wafv2-acl-arn": acl,
            },
            rules=_paths("/a", "/b"),
        )
    )
    (balancer,) = account.balancers()
    arn = balancer["LoadBalancerArn"]
    assert hostname == balancer["DNSName"]
    assert (balancer["Scheme"], balancer["Type"]) == ("internet-facing", "application")
    subnets = {account.subnets[name] for name in ("private-a", "private-b")}
    assert {zone["SubnetId"] for zone in balancer["AvailabilityZones"]} == subnets
    assert balancer["SecurityGroups"] == [account.group]
    assert account.attributes(arn)["idle_timeout.timeout_seconds"] == "600"
    own = {"team": "platform", "Environment": "dev"}
    assert account.tags(arn) == STACK | own | {"ingress.k8s.aws/resource": "LoadBalancer"}
    plain, secure = account.listeners()[80], account.listeners()[443]
    assert plain["DefaultActions"][0]["RedirectConfig"]["Port"] == "443"
    assert account.rules(80) == []
    assert secure["SslPolicy"] == "ELBSecurityPolicy-TLS13-1-2-2021-06"
    listed = account.elb.describe_listener_certificates(ListenerArn=secure["ListenerArn"])["Certificates"]
    shown = {item["CertificateArn"]: item["IsDefault"] for item in listed}
    assert shown == dict(zip(account.certificates, (True, False), strict=True))
    (target,) = account.target_groups()
    assert (target["TargetType"], target["Port"], target["HealthCheckPath"]) == ("ip", 8080, "/ping")
    assert (target["HealthCheckPort"], target["HealthCheckIntervalSeconds"]) == ("8080", 15)
    assert set(target["LoadBalancerArns"]) == {arn}
    assert account.tags(target["TargetGroupArn"])["ingress.k8s.aws/resource"] == "apps/web-web:80"
    delays = account.elb.describe_target_group_attributes(TargetGroupArn=target["TargetGroupArn"])["Attributes"]
    assert {"Key": "deregistration_delay.timeout_seconds", "Value": "30"} in delays
    rules = account.rules(443)
    assert [rule["Conditions"][1]["PathPatternConfig"]["Values"] for rule in rules] == [["/a"], ["/b"]]
    forward = rules[0]["Actions"][0]["ForwardConfig"]["TargetGroups"]
    assert [item["TargetGroupArn"] for item in forward] == [target["TargetGroupArn"]]
    associated = aws.client("wafv2").get_web_acl_for_resource(ResourceArn=arn)["WebACL"]
    assert associated["ARN"] == acl


def _web_acl(aws: AwsServer) -> str:
    visibility = {"SampledRequestsEnabled": False, "CloudWatchMetricsEnabled": False, "MetricName": "m"}
    made = aws.client("wafv2").create_web_acl(
        Name="acl", Scope="REGIONAL", DefaultAction={"Allow": {}}, VisibilityConfig=visibility
    )
    return str(made["Summary"]["ARN"])


def test_nothing_to_do_writes_nothing(account: Account) -> None:
    certificates = ",".join(account.certificates)
    annotations = WIDE | {"listen-ports": '[{"HTTP": 80}, {"HTTPS": 443}]', "certificate-arn": certificates}
    wanted = ingress(
        annotations=annotations | {"load-balancer-attributes": "routing.http2.enabled=true"}, rules=_paths("/a")
    )
    account.deploy(wanted)
    assert account.writes(wanted) == []
    assert {call["access_key"] for call in account.server.calls()} == {ACCESS_KEY}


def test_the_cluster_says_which_vpc(account: Account, aws: AwsServer) -> None:
    aws.reset()
    fixtures = aws.fixtures()
    account.controller = Controller("sandbox-blue")
    tagged = [fixtures["subnets"][f"private-{zone}"] for zone in "bc"]
    aws.client("ec2").create_tags(Resources=tagged, Tags=[{"Key": "kubernetes.io/role/internal-elb", "Value": "1"}])
    account.deploy(ingress())
    (balancer,) = account.balancers()
    assert {zone["SubnetId"] for zone in balancer["AvailabilityZones"]} == set(tagged)
    account.remove()
    # No subnet is tagged for this scheme, so that routes choose; public-a is another cluster's.
    account.deploy(ingress(annotations=WIDE))
    (balancer,) = account.balancers()
    assert {zone["ZoneName"] for zone in balancer["AvailabilityZones"]} == {"eu-central-1b", "eu-central-1c"}


def test_changes_are_brought_about_in_place(account: Account, aws: AwsServer) -> None:
    first = account.deploy(ingress(annotations=WIDE | {"tags": "a=1,b=2"}, rules=_paths("/a", "/b")))
    arn = account.balancers()[0]["LoadBalancerArn"]
    changed = {
        "tags": "a=3",
        "security-groups": account.group,
        "load-balancer-attributes": "idle_timeout.timeout_seconds=30",
        "healthcheck-path": "/ping",
        "wafv2-acl-arn": _web_acl(aws),
    }
    assert account.deploy(ingress(annotations=WIDE | changed, rules=_paths("/b"))) == first
    (balancer,) = account.balancers()
    assert balancer["LoadBalancerArn"] == arn
    assert balancer["SecurityGroups"] == [account.group]
    tags = account.tags(arn)
    assert (tags.get("a"), tags.get("b")) == ("3", None)
    assert account.attributes(arn)["idle_timeout.timeout_seconds"] == "30"
    assert account.target_groups()[0]["HealthCheckPath"] == "/ping"
    (rule,) = account.rules(80)
    assert rule["Conditions"][1]["PathPatternConfig"]["Values"] == ["/b"]
    # The managed security group is not wanted any more.
    assert account.security_groups() == []
    waf = aws.client("wafv2")
    assert "WebACL" in waf.get_web_acl_for_resource(ResourceArn=arn)
    account.deploy(ingress(annotations=WIDE | {"wafv2-acl-arn": "none"}))
    assert "WebACL" not in waf.get_web_acl_for_resource(ResourceArn=arn)
    (managed,) = account.security_groups()
    assert account.balancers()[0]["SecurityGroups"] == [managed["GroupId"]]


def test_certificates_come_and_go(account: Account) -> None:
    first, second = account.certificates

    def shown(*arns: str) -> list[tuple[str, bool]]:
        account.deploy(ingress(annotations=WIDE | {"certificate-arn": ",".join(arns)}))
        arn = account.listeners()[443]["ListenerArn"]
        listed = account.elb.describe_listener_certificates(ListenerArn=arn)["Certificates"]
        return [(item["CertificateArn"], item["IsDefault"]) for item in listed]

    assert shown(first) == [(first, True)]
    assert shown(first, second) == [(first, True), (second, False)]
    assert shown(second) == [(second, True)]


def test_ports_come_and_go(account: Account) -> None:
    account.deploy(ingress(annotations=WIDE | {"listen-ports": '[{"HTTP": 80}, {"HTTP": 8080}]'}))
    assert sorted(account.listeners()) == [80, 8080]
    (group,) = account.security_groups()
    assert {item["FromPort"] for item in group["IpPermissions"]} == {80, 8080}
    account.deploy(ingress(annotations=WIDE | {"listen-ports": '[{"HTTP": 8080}]', "inbound-cidrs": "10.0.0.0/8"}))
    assert sorted(account.listeners()) == [8080]
    (group,) = account.security_groups()
    (permission,) = group["IpPermissions"]
    assert (permission["FromPort"], permission["IpRanges"][0]["CidrIp"]) == (8080, "10.0.0.0/8")


def test_another_scheme_is_another_load_balancer(account: Account) -> None:
    protected = {"load-balancer-attributes": "deletion_protection.enabled=true"}
    before = account.deploy(ingress(annotations=WIDE | protected))
    after = account.deploy(ingress(annotations={"scheme": "internal"}))
    (balancer,) = account.balancers()
    assert balancer["Scheme"] == "internal"
    assert before != after == balancer["DNSName"]
    assert after is not None
    assert after.startswith("internal-k8s-apps-web-")


def test_another_target_type_is_another_target_group(account: Account) -> None:
    account.deploy(ingress(annotations=WIDE))
    (before,) = account.target_groups()
    account.deploy(ingress(annotations=WIDE | {"target-type": "ip"}))
    (after,) = account.target_groups()
    assert (before["TargetType"], after["TargetType"]) == ("instance", "ip")
    assert before["TargetGroupArn"] != after["TargetGroupArn"]


def test_all_of_a_group_is_removed_and_nothing_else(account: Account) -> None:
    subnets = [account.subnets[name] for name in ("public-a", "public-b")]
    account.elb.create_load_balancer(Name="foreign", Subnets=subnets)
    account.deploy(ingress(annotations=WIDE, rules=_paths("/a")))
    assert len(account.security_groups()) == 1
    account.remove()
    assert [item["LoadBalancerName"] for item in account.balancers()] == ["foreign"]
    assert account.target_groups() == []
    assert account.security_groups() == []
    account.remove()


def test_an_emptied_account_is_filled_again(account: Account, aws: AwsServer) -> None:
    account.deploy(ingress(annotations=WIDE))
    aws.reset()
    account.fill()
    assert account.deploy(ingress(annotations=WIDE)) == account.balancers()[0]["DNSName"]


def test_what_aws_refuses_is_told(account: Account, aws: AwsServer) -> None:
    unknown = "arn:aws:acm:eu-central-1:123456789012:certificate/none"
    with pytest.raises(AwsError) as caught:
        account.deploy(ingress(annotations=WIDE | {"certificate-arn": unknown}))
    where = "operation error Elastic Load Balancing v2: CreateListener, api error CertificateNotFound"
    assert str(caught.value) == f"{where}: Certificate ARN '{unknown}' not found"
    # As with the controller, what came before it is there.
    assert account.listeners() == {}
    aws.fault("DescribeSubnets", "deny", times=None)
    with pytest.raises(AwsError, match="operation error EC2: DescribeSubnets, api error UnauthorizedOperation"):
        account.deploy(ingress(annotations={"scheme": "internal"}))
