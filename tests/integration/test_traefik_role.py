# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the role traefik refuses before anything is changed, on clusters of the AWS server, in one run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.ekspress.eks.tests.integration.certificates import imported
from ansible_collections.ekspress.eks.tests.integration.eks_clusters import ACCOUNT, make_cluster, written

from sandbox.aws.client import AwsServer
from sandbox.process import ROOT
from tests.contract_suite.runs import WAYS, Playground, Run

LOOK = "ekspress.eks.traefik : Look in AWS for what the load balancers are to use"
REFUSE = "ekspress.eks.addon : Refuse what cannot work"
DONE = "The specification"

HOST = {"hosts": ["shop.example.com"]}
GONE = f"arn:aws:acm:eu-central-1:{ACCOUNT}:certificate/00000000-0000-0000-0000-000000000000"
ACL = f"arn:aws:wafv2:eu-central-1:{ACCOUNT}:regional/webacl/web/00000000-0000-0000-0000-000000000000"
CASES: dict[str, tuple[list[dict[str, Any]], list[str]]] = {
    "no-certificate": ([{"certificates": [GONE]}], ["certificates has", "there is no such certificate in ACM"]),
    "no-host": (
        [{"hosts": ["shop.example.org"]}],
        ["hosts has 'shop.example.org'", "no certificate that ACM issued in eu-central-1 is for it"],
    ),
    "no-wildcard": ([{"hosts": ["a.shop.example.com"]}], ["hosts has 'a.shop.example.com'"]),
    "acl-abroad": (
        [{**HOST, "web_acl": ACL.replace("eu-central-1", "us-east-1")}],
        ["web_acl has", "it is in us-east-1, and a load balancer takes those of its own region, eu-central-1"],
    ),
    "acl-front": ([{**HOST, "web_acl": ACL.replace("regional", "global")}], ["its scope is CLOUDFRONT"]),
    "acl-gone": ([{**HOST, "web_acl": ACL}], ["there is no such web ACL in eu-central-1"]),
    "group-gone": ([{**HOST, "security_groups": ["sg-00000000"]}], ["there is no such security group"]),
    "group-abroad": ([{**HOST, "security_groups": ["{{ foreign }}"]}], ["it is of vpc-"]),
    "fargate": (
        [HOST, {**HOST, "name": "nodes", "target_type": "instance"}],
        ["instance 'nodes': its pods run on Fargate (by the profile apps"],
    ),
    "classes": ([HOST, {**HOST, "name": "other", "ingress_class": "web"}], ["the ingress_class 'web'"]),
    "names": ([HOST, {**HOST, "ingress_class": "other"}], ["two instances of the name 'web'"]),
    "both-wrong": (
        [{"hosts": ["shop.example.org"], "web_acl": ACL, "deregistration_delay": 600}],
        ["shop.example.org", "there is no such web ACL", "deregistration_delay (600 s)"],
    ),
}
"""Instances of each cluster, and what is said of them."""

FINE: dict[str, dict[str, Any]] = {
    "right": {"traefik_instances": [{"name": "web", **HOST}]},
    "plain": {"traefik_instances": [{"name": "web", "https": False}]},
    "unchecked": {
        "traefik_check_inputs": False,
        "traefik_instances": [{"name": "web", "certificates": [GONE], "trusted_ips": ["10.0.0.0/8"]}],
    },
}


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Run, list[str]]]:
    """The role's specification made and judged for all clusters; the run, and the writes that were seen."""
    hosts: dict[str, dict[str, Any]] = {
        name: {"traefik_instances": [{"name": "web", **item} for item in case[0]]} for name, case in CASES.items()
    }
    hosts |= {f"{name}-absent": {**variables, "traefik_state": "absent"} for name, variables in hosts.items()}
    hosts |= FINE
    with AwsServer() as aws:
        imported(aws, "*.example.com")
        foreign = furnish(aws, list(hosts))
        ground = Playground(tmp_path_factory.mktemp("role") / "ground", aws.environment)
        role = {"name": "ekspress.eks.traefik", "tasks_from": "spec", "public": True}
        tasks = [
            {"ansible.builtin.include_role": role},
            {
                "ansible.builtin.include_role": {"name": "ekspress.eks.addon", "tasks_from": "preflight"},
                "vars": {"addon_specs": ["{{ __traefik_spec }}"]},
            },
            {
                "name": DONE,
                "ansible.builtin.debug": {"var": "__traefik_spec.releases"},
                "vars": {"role_path": f"{ROOT}/roles/addon"},
            },
        ]
        known = {"ansible_python_interpreter": ground.interpreter(WAYS[0]), "foreign": foreign}
        play = {"hosts": "all", "gather_facts": False, "tasks": tasks}
        aws.clear_calls()
        run = ground.run([play], {name: {**variables, **known} for name, variables in hosts.items()})
        yield run, written(aws)


def furnish(aws: AwsServer, names: list[str]) -> str:
    """Make clusters, one with a Fargate profile; return a security group of another VPC."""
    for name in names:
        network = make_cluster(aws, name)["resourcesVpcConfig"]
        if name.startswith("fargate"):
            aws.client("eks").create_fargate_profile(
                clusterName=name,
                fargateProfileName="apps",
                podExecutionRoleArn=f"arn:aws:iam::{ACCOUNT}:role/fargate",
                subnets=network["subnetIds"][:1],
                selectors=[{"namespace": "traefik", "labels": {}}],
            )
    ec2 = aws.client("ec2")
    other = ec2.create_vpc(CidrBlock="10.99.0.0/16")["Vpc"]["VpcId"]
    return str(ec2.create_security_group(GroupName="web", Description="web", VpcId=other)["GroupId"])


@pytest.mark.parametrize("case", CASES)
def test_what_is_wrong_is_said_with_the_variable_before_anything_is_done(
    done: tuple[Run, list[str]], case: str
) -> None:
    run, writes = done
    message = run.result(REFUSE, case)["msg"]
    assert message.startswith("traefik_instances")
    for words in CASES[case][1]:
        assert words in message
    assert run.results(DONE, case) == []
    assert writes == []


@pytest.mark.parametrize("case", CASES)
def test_a_removal_is_never_refused(done: tuple[Run, list[str]], case: str) -> None:
    assert done[0].results(DONE, f"{case}-absent")
    assert done[0].results(LOOK, f"{case}-absent") == []


@pytest.mark.parametrize("case", FINE)
def test_what_can_work_is_specified(done: tuple[Run, list[str]], case: str) -> None:
    (result,) = done[0].results(DONE, case)
    front, behind = result["__traefik_spec.releases"][1:]
    assert (front["name"], behind["name"]) == ("web-alb", "web")
    trusted = behind["values"]["ports"]["web"]["forwardedHeaders"]["trustedIPs"]
    assert trusted == (["10.0.0.0/8"] if case == "unchecked" else ["172.31.0.0/16"])
