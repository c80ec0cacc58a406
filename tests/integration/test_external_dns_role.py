# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the role external_dns refuses before anything is installed, and that it refuses no removal."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sandbox.aws.client import AwsServer
from sandbox.process import ROOT
from tests.e2e.playbook import Run, run
from tests.integration.eks_clusters import ACCOUNT, written

FACTS = {"name": "blue", "account": ACCOUNT, "partition": "aws", "region": "eu-central-1"}
PUBLIC: dict[str, Any] = {"name": "public", "zone_type": "public", "zones": ["example.com"]}
PRIVATE: dict[str, Any] = {"name": "private", "zone_type": "private", "zones": ["example.com"]}
OTHER: dict[str, Any] = {**PUBLIC, "name": "other"}
TEMPLATE = {"__ansible_unsafe": '{{ index .Annotations "PublicDNSName" }}.example.com'}
CASES: dict[str, tuple[list[dict[str, Any]], str]] = {
    "empty": ([], "external_dns_instances: give at least one instance."),
    "no-such-zone": (
        [{**PUBLIC, "zones": ["example.net"]}],
        "zones has example.net: account 123456789012 has no public",
    ),
    "zone-twice": ([{**PUBLIC, "zones": ["twice.example.com"]}], "there are 2 public hosted zones of this name"),
    "not-associated": (
        [{**PRIVATE, "zones": ["elsewhere.example.com"]}],
        "is not associated with the cluster's VPC",
    ),
    "overlap": ([PUBLIC, OTHER], "instances public and other would both write below example.com"),
    "sync": ([{**PUBLIC, "policy": "sync"}], "instance public: policy sync needs owner_id"),
    "same-owner": ([{**PUBLIC, "owner_id": "o"}, {**PRIVATE, "owner_id": "o"}], "have the same owner o"),
}
ALLOWED: dict[str, list[dict[str, Any]]] = {
    "both": [PUBLIC, PRIVATE],
    "template": [{**PUBLIC, "fqdn_template": TEMPLATE, "policy": "sync", "owner_id": "web"}],
}
REFUSE = "Refuse what cannot work"


def make_zones(aws: AwsServer) -> str:
    """Zones of an account, two of one name among them; the VPC that is associated with a private one."""
    route53, ec2 = aws.client("route53"), aws.client("ec2")
    vpc, other = (ec2.create_vpc(CidrBlock=f"10.{number}.0.0/16")["Vpc"]["VpcId"] for number in (10, 20))
    private = {"example.com": vpc, "elsewhere.example.com": other}
    for number, name in enumerate(["example.com", "twice.example.com", "twice.example.com"]):
        route53.create_hosted_zone(Name=name, CallerReference=str(number))
    for name, of in private.items():
        route53.create_hosted_zone(
            Name=name,
            CallerReference=name,
            HostedZoneConfig={"PrivateZone": True},
            VPC={"VPCRegion": "eu-central-1", "VPCId": of},
        )
    return str(vpc)


@pytest.fixture
def specified(aws: AwsServer, tmp_path: Path) -> Run:
    """A run of the specification and its checks for every case, once as it is and once to be removed."""
    facts = {**FACTS, "vpc_id": make_zones(aws)}
    aws.clear_calls()
    given = {case: wanted for case, (wanted, _said) in CASES.items()} | ALLOWED
    hosts: dict[str, dict[str, Any]] = {}
    for case, instances in given.items():
        hosts[case] = {"given": instances}
        hosts[f"{case}-absent"] = {"given": instances or [PUBLIC], "external_dns_state": "absent"}
    common = {
        "ansible_connection": "local",
        "ansible_python_interpreter": "{{ ansible_playbook_python }}",
        "cluster_facts": facts,
        "cluster_name": "blue",
        "cluster_connection": {"region": "eu-central-1"},
    }
    # In JSON as Ansible writes it, a text may be said to be no template.
    (tmp_path / "hosts.json").write_text(json.dumps({"all": {"hosts": hosts, "vars": common}}))
    groups = tmp_path / "group_vars"
    groups.mkdir()
    (groups / "all.yml").write_text((ROOT / "roles/external_dns/defaults/main.yml").read_text())
    tasks = [
        {"name": "Know the variables", "ansible.builtin.include_vars": f"{ROOT}/roles/external_dns/vars/main.yml"},
        {"name": "Specify", "ansible.builtin.include_tasks": f"{ROOT}/roles/external_dns/tasks/spec.yml"},
        {
            "name": "Look",
            "ansible.builtin.include_tasks": f"{ROOT}/roles/addon/tasks/preflight.yml",
            "vars": {"addon_specs": ["{{ __external_dns_spec }}"], "role_path": f"{ROOT}/roles/addon"},
        },
        {
            "name": "Show",
            "ansible.builtin.debug": {"var": "__external_dns_spec"},
            "vars": {"role_path": f"{ROOT}/roles/addon"},
        },
    ]
    (tmp_path / "play.yml").write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": tasks}]))
    # Of higher precedence than those of the sandbox's inventory.
    variables = json.dumps({"external_dns_instances": "{{ given }}"})
    return run(aws.environment, tmp_path / "hosts.json", "-e", variables, playbook=str(tmp_path / "play.yml"))


def test_what_is_wrong_is_said_before_anything_is_done_and_nothing_else_is(specified: Run, aws: AwsServer) -> None:
    """All of one run, which takes as long for one case."""
    for case, (_instances, said) in CASES.items():
        message = specified.failure(case)
        assert said in message, case
        assert message.startswith("external_dns_instances: ")
        assert [task.name for task in specified.tasks if task.host == case][-1] == REFUSE
    for case in (*ALLOWED, *(f"{name}-absent" for name in {**CASES, **ALLOWED})):
        results = {task.name: task.result for task in specified.tasks if task.host == case}
        assert not any(result.get("failed") for result in results.values()), case
        assert REFUSE in results
    assert written(aws) == []
    # One list and one look at the VPC for each that is installed, none for those that are removed.
    calls = [call["operation"] for call in aws.calls() if call["service"] == "route53"]
    assert sorted(set(calls)) == ["ListHostedZones", "ListHostedZonesByVPC"]
    assert len(calls) == 2 * len({**CASES, **ALLOWED})
    # Braces pass Ansible whole, and are escaped for the chart.
    (shown,) = [task.result for task in specified.tasks if (task.host, task.name) == ("template", "Show")]
    (release,) = shown["__external_dns_spec"]["releases"]
    arguments = release["values"]["extraArgs"]
    assert arguments["fqdn-template"] == '{{ "{{" }} index .Annotations "PublicDNSName" }}.example.com'
