# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""subnet_tags where AWS refuses or something is in the way: limits, denials, throttling, pages, bad input."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils._subnet_tags import LOGIC
from ansible_collections.ekspress.eks.tests.integration.eks_clusters import counted
from ansible_collections.ekspress.eks.tests.integration.subnet_vpc import (
    ELB,
    INTERNAL,
    LEGACY,
    Vpc,
    assert_nothing_written,
    tag,
    with_green,
)
from ansible_collections.ekspress.eks.tests.support import run_logic

from tests.contract_suite.runs import WAYS, Playground


def test_fifty_tags_fail_before_any_write_and_name_the_subnets(vpc: Vpc) -> None:
    for name in ("public-a", "database-a"):
        have = sum(not key.startswith("aws:") for key in vpc.tags()[name])
        vpc.put(name, **{f"tag-{number:02d}": "x" for number in range(50 - have)})
    result = tag()
    assert_nothing_written(result, vpc.aws, f"{vpc.ids['public-a']} (52)", f"{vpc.ids['database-a']} (51)")
    assert vpc.ids["public-b"] not in result["msg"]
    assert result["subnet_ids"] == sorted([vpc.ids["public-a"], vpc.ids["database-a"]])


def test_forty_nine_tags_of_users_and_those_of_aws_fit(vpc: Vpc) -> None:
    have = sum(not key.startswith("aws:") for key in vpc.tags()["database-a"])
    vpc.put("database-a", **{f"tag-{number:02d}": "x" for number in range(49 - have)})
    assert tag()["changed"]
    assert INTERNAL in vpc.tags()["database-a"]


def test_pages(vpc: Vpc) -> None:
    vpc.aws.settings(page_size=3)
    result = tag()
    assert len(result["subnets"]) == len(vpc.ids)
    assert counted(vpc.aws)["ec2:DescribeSubnets"] == 4
    assert counted(vpc.aws)["ec2:DescribeRouteTables"] > 1
    vpc.aws.settings(page_size=None)
    assert vpc.with_tag(ELB) == {"public-a", "public-b", "public-c"}


@pytest.mark.parametrize("operation", ["DescribeCluster", "DescribeSubnets", "DescribeRouteTables", "CreateTags"])
def test_throttling_is_waited_out(vpc: Vpc, operation: str) -> None:
    vpc.aws.fault(operation, "throttle", times=2)
    assert tag()["changed"]
    assert vpc.with_tag(ELB) == {"public-a", "public-b", "public-c"}


@pytest.mark.parametrize("operation", ["DescribeCluster", "DescribeSubnets", "DescribeRouteTables", "CreateTags"])
def test_a_denied_call_is_named(vpc: Vpc, operation: str) -> None:
    vpc.aws.fault(operation, "deny", times=None)
    result = tag()
    assert result["failed"]
    assert not result["changed"]
    service = "eks" if operation == "DescribeCluster" else "ec2"
    assert f"may not call {service}:{operation}" in result["msg"]
    vpc.aws.clear_faults()
    assert vpc.with_tag(ELB) == set()


def test_a_write_that_fails_says_what_was_written_and_the_next_run_does_the_rest(vpc: Vpc) -> None:
    refused = vpc.ids["public-b"]
    vpc.aws.fault("CreateTags", "deny", times=None, match={"Resources": [refused]})
    result = tag()
    assert result["failed"]
    assert result["changed"]
    assert refused in result["msg"]
    assert "were written before; run again for the rest" in result["msg"]
    assert refused not in result["written_subnet_ids"]
    assert {vpc.ids[name] for name in vpc.with_tag(INTERNAL) | {"public-a"}} == set(result["written_subnet_ids"])
    vpc.aws.clear_faults()
    assert tag()["changed"]
    assert not tag()["changed"]


def test_unknown_and_failed_clusters(vpc: Vpc) -> None:
    unknown = run_logic(LOGIC, {"cluster": "purple"})
    assert_nothing_written(unknown, vpc.aws, "There is no EKS cluster 'purple' in eu-central-1", "blue")
    vpc.aws.cluster("blue", status="FAILED")
    assert_nothing_written(tag(), vpc.aws, "is FAILED", "nothing was changed")


def test_no_credentials(vpc: Vpc, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    assert_nothing_written(tag(), vpc.aws, "no usable AWS credentials")


def test_subnets_that_are_not_there(vpc: Vpc) -> None:
    elsewhere = vpc.ec2.describe_subnets(Filters=[{"Name": "default-for-az", "Values": ["true"]}])["Subnets"][0]
    vpc.aws.clear_calls()
    for option in ("subnet_ids", "public_subnet_ids", "private_subnet_ids"):
        ids: dict[str, Any] = {option: [vpc.ids["public-a"], elsewhere["SubnetId"]]}
        result = tag(**ids)
        assert_nothing_written(result, vpc.aws, f"There is no {elsewhere['SubnetId']} in {vpc.vpc_id}")
    nothing = tag(filters={"tag:Name": "nobody-*"})
    assert_nothing_written(nothing, vpc.aws, "no subnet that matches the filters")


def test_an_assumed_role_tags_in_its_own_account(vpc: Vpc) -> None:
    remote = vpc.remote
    result = run_logic(
        LOGIC,
        {
            "cluster": remote["cluster"],
            "region": remote["region"],
            "assume_role_arn": remote["role_arn"],
            "assume_role_external_id": remote["external_id"],
        },
    )
    assert result["changed"], result
    assert result["vpc_id"] == remote["vpc_id"]
    assert {call["account"] for call in vpc.aws.calls("CreateTags")} == {remote["account"]}
    assert vpc.with_tag(ELB) | vpc.with_tag(INTERNAL) == set()


@pytest.mark.parametrize("way", WAYS)
def test_a_template_in_a_tag_is_never_run(vpc: Vpc, tmp_path: Path, way: str) -> None:
    made = tmp_path / "made-by-the-tag"
    trap = f"{{{{ lookup('pipe', 'touch {made}') }}}}"
    for name in vpc.ids:
        vpc.put(name, Name=trap, **{"kubernetes.io/cluster/{{ 6 * 7 }}": trap})
    ground = Playground(tmp_path / "ground", vpc.aws.environment)
    tasks = [
        {"name": "tag", "ekspress.eks.subnet_tags": {"cluster": "blue"}, "register": "tagged"},
        {"name": "all", "ansible.builtin.debug": {"msg": "{{ tagged }}"}},
        {
            "name": "pick",
            "ansible.builtin.debug": {"msg": "{{ tagged.controller_picks.internal.zones['eu-central-1a'].name }}"},
        },
        {"name": "others", "ansible.builtin.debug": {"msg": "{{ tagged.other_clusters | map(attribute='cluster') }}"}},
    ]
    run = ground.run(
        [{"hosts": "cluster", "gather_facts": False, "tasks": tasks}],
        {"cluster": {"ansible_python_interpreter": ground.interpreter(way)}},
    )
    assert run.code == 0, run.output
    assert run.result("tag")["changed"]
    assert run.result("pick")["msg"] == trap
    assert run.result("others")["msg"] == ["legacy-green", "{{ 6 * 7 }}"]
    assert not made.exists()


@with_green
def test_sweep_refuses_a_cluster_that_exists(vpc: Vpc) -> None:
    vpc.put("public-b", **{"kubernetes.io/cluster/green": "shared"})
    result = tag(sweep=["green", "legacy-green"])
    assert_nothing_written(result, vpc.aws, "sweep names clusters that exist in eu-central-1: green.")


@with_green
@pytest.mark.parametrize(
    ("operation", "params"),
    [
        ("ListClusters", {"state": "absent", "role_tags": True}),
        ("DescribeCluster", {"state": "absent", "role_tags": True}),
        ("ListClusters", {"cluster_tag": "always"}),
        ("ListClusters", {"sweep": ["old"]}),
        ("DeleteTags", {"sweep": ["old"]}),
    ],
)
def test_a_denied_call_of_the_rarer_ways_changes_nothing(vpc: Vpc, operation: str, params: dict[str, Any]) -> None:
    if "role_tags" in params:
        tag()
        vpc.ec2.delete_tags(Resources=list(vpc.ids.values()), Tags=[{"Key": LEGACY}])
    else:
        vpc.put("public-b", **{"kubernetes.io/cluster/old": "shared"})
    before = vpc.tags()
    vpc.aws.clear_calls()
    match: dict[str, Any] = {"match": {"name": "green"}} if operation == "DescribeCluster" else {}
    vpc.aws.fault(operation, "deny", times=None, **match)
    result = tag(**params)
    assert result["failed"]
    assert f":{operation}" in result["msg"]
    assert vpc.tags() == before
