# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""subnet_tags against the AWS server: what is tagged, and by which calls."""

from __future__ import annotations

from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils._subnet_tags import LOGIC
from ansible_collections.ekspress.eks.tests.integration.eks_clusters import counted, written
from ansible_collections.ekspress.eks.tests.integration.subnet_vpc import (
    BLUE,
    ELB,
    INTERNAL,
    LEGACY,
    READS,
    Vpc,
    assert_nothing_written,
    tag,
    with_green,
)
from ansible_collections.ekspress.eks.tests.support import run_held, run_logic


def test_first_run_tags_by_routes_and_second_changes_nothing(vpc: Vpc) -> None:
    before = vpc.tags()
    vpc.aws.clear_calls()
    result = tag()
    assert result["changed"]
    assert counted(vpc.aws) == {**READS, "ec2:CreateTags": 4}
    subnets = vpc.named(result)
    assert {name: subnet["role"] for name, subnet in subnets.items()} == {
        "public-a": "public",
        "public-b": "public",
        "public-c": "public",
        "private-a": "private",
        "private-b": "private",
        "private-c": "private",
        "database-a": "private",
        "database-b": "private",
        "ipv6-public-b": "private",
        "local-zone": "",
    }
    assert subnets["public-c"]["main_route_table"]
    assert subnets["public-c"]["reason"].endswith("(main route table)")
    assert vpc.tags() == {name: {**before[name], **subnets[name]["tags_set"]} for name in vpc.ids}
    assert vpc.with_tag(BLUE) == {"public-a", "private-a"}

    vpc.aws.clear_calls()
    again = tag()
    assert not again["changed"]
    assert counted(vpc.aws) == READS
    assert all(not subnet["tags_set"] and not subnet["tags_removed"] for subnet in again["subnets"])
    assert again["controller_picks"] == result["controller_picks"]


def test_check_mode_writes_nothing_and_says_what_the_run_then_does(vpc: Vpc) -> None:
    planned = tag(check=True, diff=True, extra_tags={"team": "platform"})
    assert written(vpc.aws) == []
    done = tag(diff=True, extra_tags={"team": "platform"})
    assert planned == done
    assert done["changed"]
    database = vpc.ids["database-a"]
    assert done["diff"]["before"][database] == {}
    assert done["diff"]["after"][database] == {INTERNAL: "1", "team": "platform"}
    removed = tag(check=True, state="absent")
    assert written(vpc.aws).count("ec2:DeleteTags") == 0
    assert removed == tag(state="absent")


def test_equal_sets_of_tags_share_a_call_and_calls_run_side_by_side(vpc: Vpc) -> None:
    run_held(vpc.aws, tag, 4, "CreateTags")
    calls = vpc.aws.calls("CreateTags")
    assert len(calls) == 4
    sets = [tuple(sorted((item["Key"], item["Value"]) for item in call["parameters"]["Tags"])) for call in calls]
    assert len(set(sets)) == 4


def test_ipv6_only_and_isolated_picks_are_said(vpc: Vpc) -> None:
    # Ids decide which subnet of a zone is picked, and they are random: leave the database no rival that sorts first.
    rivals = {name: vpc.ids[name] for name in ("private-b", "ipv6-public-b")}
    for name, subnet_id in rivals.items():
        if subnet_id < vpc.ids["database-b"]:
            vpc.put(name, **{"kubernetes.io/cluster/other": "shared"})
    result = tag(cluster_tag="never")
    assert any(f"{vpc.ids['ipv6-public-b']} is public for IPv6 only (::/0" in text for text in result["warnings"])
    pick = result["controller_picks"]["internal"]["zones"]["eu-central-1b"]
    if pick["passed_over"] != [] and vpc.ids["private-b"] in pick["passed_over"]:
        assert any("platform-database-b" in text and "no route for 0.0.0.0/0" in text for text in result["warnings"])
    assert pick["subnet_id"] == vpc.ids["database-b"]
    assert pick["name"] == "platform-database-b"
    assert pick["default_route"] == ""


def test_local_zones_are_left_out_unless_asked_for(vpc: Vpc) -> None:
    result = tag()
    assert [item["subnet_id"] for item in result["left_out"]] == [vpc.ids["local-zone"]]
    assert "whose type local-zone is not in zone_types" in result["left_out"][0]["reason"]
    assert result["controller_picks"]["internal"]["problem"] == ""
    mixed = tag(zone_types=["availability-zone", "local-zone"])
    assert mixed["left_out"] == []
    assert INTERNAL in vpc.tags()["local-zone"]
    assert "several zone types (availability-zone, local-zone)" in mixed["controller_picks"]["internal"]["problem"]
    assert any("cannot place internal load balancers" in text for text in mixed["warnings"])


def test_existing_empty_role_tags_count_as_set(vpc: Vpc) -> None:
    vpc.put("database-a", **{INTERNAL: ""})
    assert vpc.named(tag())["database-a"]["tags_set"] == {}
    assert vpc.tags()["database-a"][INTERNAL] == ""


def test_public_tag_on_a_private_subnet_is_left_and_said(vpc: Vpc) -> None:
    vpc.put("private-b", **{ELB: "1"})
    result = tag()
    assert any(vpc.ids["private-b"] in text and "cannot be reached" in text for text in result["warnings"])
    assert vpc.tags()["private-b"][ELB] == "1"


def test_cluster_tag_never_says_what_is_refused(vpc: Vpc) -> None:
    result = tag(cluster_tag="never")
    assert vpc.with_tag(BLUE) == set()
    picks = result["controller_picks"]["internet_facing"]
    assert picks["refused"] == [
        {"subnet_id": vpc.ids["public-a"], "reason": "tagged for another cluster and not for this one"}
    ]
    assert set(picks["zones"]) == {"eu-central-1b", "eu-central-1c"}
    assert any(vpc.ids["public-a"] in text and "cluster_tag=auto" in text for text in result["warnings"])


def test_one_zone_is_too_few(vpc: Vpc) -> None:
    result = tag(public_subnet_ids=[vpc.ids["public-b"]])
    assert "only zone eu-central-1b" in result["controller_picks"]["internet_facing"]["problem"]
    assert any("cannot place internet-facing load balancers: only zone" in text for text in result["warnings"])
    assert not any("internal load balancers" in text for text in result["warnings"])


def test_explicit_lists_decide_and_doubts_are_said(vpc: Vpc) -> None:
    lists: dict[str, Any] = {
        "public_subnet_ids": [vpc.ids["public-a"], vpc.ids["database-b"]],
        "private_subnet_ids": [vpc.ids["local-zone"], vpc.ids["public-c"]],
    }
    result = tag(**lists)
    assert {name: subnet["role"] for name, subnet in vpc.named(result).items()} == {
        "public-a": "public",
        "database-b": "public",
        "local-zone": "private",
        "public-c": "private",
    }
    assert vpc.with_tag(ELB) == {"public-a", "database-b"}
    assert vpc.with_tag(INTERNAL) == {"local-zone", "public-c"}
    doubts = [text for text in result["warnings"] if "named in public_subnet_ids, but has" in text]
    assert len(doubts) == 1
    assert vpc.ids["database-b"] in doubts[0]
    vpc.aws.clear_calls()
    assert not tag(**lists)["changed"]
    assert counted(vpc.aws) == READS


def test_subnet_ids_and_filters_choose(vpc: Vpc) -> None:
    chosen = ["public-b", "private-b"]
    assert set(vpc.named(tag(subnet_ids=[vpc.ids[name] for name in chosen]))) == set(chosen)
    assert vpc.with_tag(ELB) | vpc.with_tag(INTERNAL) == set(chosen)
    vpc.aws.clear_calls()
    result = tag(filters={"tag:Name": "platform-private-*", "availability-zone": ["eu-central-1a", "eu-central-1c"]})
    assert set(vpc.named(result)) == {"private-a", "private-c"}
    assert counted(vpc.aws) == {**READS, "ec2:DescribeSubnets": 2, "ec2:CreateTags": 2}


def test_add_then_remove_is_as_before(vpc: Vpc) -> None:
    before = vpc.tags()
    tag(sweep=["nobody"])
    vpc.ec2.delete_tags(Resources=list(vpc.ids.values()), Tags=[{"Key": LEGACY}])
    vpc.aws.clear_calls()
    result = tag(state="absent", role_tags=True)
    assert result["changed"]
    assert counted(vpc.aws) == {
        "eks:DescribeCluster": 1,
        "ec2:DescribeSubnets": 1,
        "eks:ListClusters": 1,
        "ec2:DeleteTags": 4,
    }
    for tags in before.values():
        tags.pop(LEGACY, None)
    assert vpc.tags() == before
    vpc.aws.clear_calls()
    assert not tag(state="absent", role_tags=True)["changed"]
    assert counted(vpc.aws) == {"eks:DescribeCluster": 1, "ec2:DescribeSubnets": 1}


def test_absent_removes_only_our_cluster_tag_and_only_with_the_value_it_read(vpc: Vpc) -> None:
    tag()
    vpc.aws.clear_calls()
    result = tag(state="absent")
    assert result["changed"]
    assert counted(vpc.aws) == {"eks:DescribeCluster": 1, "ec2:DescribeSubnets": 1, "ec2:DeleteTags": 1}
    assert vpc.aws.calls("DeleteTags")[0]["parameters"]["Tags"] == [{"Key": BLUE, "Value": "shared"}]
    assert vpc.with_tag(BLUE) == set()
    assert vpc.with_tag(LEGACY) == {"public-a", "private-a"}
    assert vpc.with_tag(ELB) == {"public-a", "public-b", "public-c"}


def test_role_tags_stay_while_tags_name_another_cluster(vpc: Vpc) -> None:
    tag()
    vpc.aws.clear_calls()
    result = tag(state="absent", role_tags=True)
    assert vpc.with_tag(ELB) == {"public-a", "public-b", "public-c"}
    assert any("role tags stay" in text and "legacy-green" in text for text in result["warnings"])
    assert "eks:ListClusters" not in counted(vpc.aws)
    swept = tag(state="absent", role_tags=True, sweep=["legacy-green"])
    assert "warnings" not in swept
    assert vpc.with_tag(ELB) | vpc.with_tag(INTERNAL) | vpc.with_tag(LEGACY) == set()


def test_absent_of_a_cluster_that_is_gone_takes_the_vpc(vpc: Vpc) -> None:
    vpc.put("public-b", **{"kubernetes.io/cluster/gone": "owned"})
    without = run_logic(LOGIC, {"cluster": "gone", "state": "absent"})
    assert_nothing_written(without, vpc.aws, "There is no EKS cluster 'gone'", "give vpc_id")
    result = run_logic(LOGIC, {"cluster": "gone", "state": "absent", "vpc_id": vpc.vpc_id})
    assert result["changed"]
    assert vpc.with_tag("kubernetes.io/cluster/gone") == set()
    vpc.aws.clear_calls()
    present = run_logic(LOGIC, {"cluster": "gone", "vpc_id": vpc.vpc_id})
    assert_nothing_written(present, vpc.aws, "There is no EKS cluster 'gone'", "blue")
    other = tag(vpc_id="vpc-0123456789abcdef0", state="absent")
    assert_nothing_written(other, vpc.aws, f"is in {vpc.vpc_id}, not in vpc-0123456789abcdef0")


def test_sweep_removes_the_tags_of_clusters_that_are_gone(vpc: Vpc) -> None:
    result = tag(sweep=["legacy-green", "never-tagged"])
    assert counted(vpc.aws) == {**READS, "eks:ListClusters": 1, "ec2:DeleteTags": 1, "ec2:CreateTags": 2}
    assert vpc.with_tag(LEGACY) == set()
    assert vpc.with_tag(BLUE) == set()
    assert vpc.named(result)["public-a"]["tags_removed"] == {LEGACY: "shared"}
    assert [item["cluster"] for item in result["other_clusters"]] == ["legacy-green"]
    vpc.aws.clear_calls()
    again = tag(sweep=["legacy-green", "never-tagged"])
    assert (again["changed"], counted(vpc.aws)) == (False, READS)


@with_green
def test_cluster_tag_always_says_whom_it_hides_subnets_from(vpc: Vpc) -> None:
    result = tag(cluster_tag="always", cluster_tag_value="owned")
    assert vpc.with_tag(BLUE) == set(vpc.ids) - {"local-zone"}
    assert {tags.get(BLUE, "owned") for tags in vpc.tags().values()} == {"owned"}
    untagged = sorted(vpc.ids[name] for name in vpc.with_tag(BLUE) - {"public-a", "private-a"})
    legacy = sorted(vpc.ids[name] for name in ("public-a", "private-a"))
    assert result["neighbours"] == [
        {"cluster": "green", "effect": "hidden", "subnet_ids": untagged},
        {"cluster": "legacy-green", "effect": "hidden", "subnet_ids": untagged},
        {"cluster": "legacy-green", "effect": "shared", "subnet_ids": legacy},
    ]
    assert sum("hides" in text for text in result["warnings"]) == 2
    vpc.aws.clear_calls()
    again = tag(cluster_tag="always", cluster_tag_value="owned")
    assert (again["changed"], again["neighbours"], counted(vpc.aws)) == (False, [], READS)


@with_green
def test_cluster_tag_auto_touches_only_what_is_tagged_already(vpc: Vpc) -> None:
    result = tag()
    assert [(item["cluster"], item["effect"]) for item in result["neighbours"]] == [("legacy-green", "shared")]
    assert counted(vpc.aws) == {**READS, "ec2:CreateTags": 4}


@with_green
def test_role_tags_stay_while_an_untagged_cluster_is_in_the_vpc(vpc: Vpc) -> None:
    tag()
    vpc.ec2.delete_tags(Resources=list(vpc.ids.values()), Tags=[{"Key": LEGACY}])
    vpc.aws.clear_calls()
    result = tag(state="absent", role_tags=True)
    assert any("role tags stay" in text and "green" in text for text in result["warnings"])
    assert vpc.with_tag(ELB) == {"public-a", "public-b", "public-c"}
    calls = counted(vpc.aws)
    assert (calls["eks:ListClusters"], calls["eks:DescribeCluster"]) == (1, 2)
