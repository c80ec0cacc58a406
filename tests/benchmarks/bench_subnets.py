# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""subnet_tags on 200 subnets against a loop of amazon.aws.ec2_tag, both in one run of ansible-playbook.

Run ``python -m tests.benchmarks.bench_subnets`` from the checkout. The loop goes over 40 subnets and its time is taken
five times. Both work on VPCs of 200 subnets of their own, on the sandbox's AWS server, which answers at once; with the
latency of AWS the loop's calls for each subnet weigh more still. Times are of the tasks, from start to end as Ansible's
callbacks see them; the start-up of ansible-playbook is outside of both and shown. Exits with 1 where the ratio is below
100 or the number of calls is not the documented one.
"""

from __future__ import annotations

import os
import platform
import tempfile
from pathlib import Path
from typing import Any

from sandbox.aws.client import AwsServer
from tests.benchmarks.playbooks import calls_during, local, run

SUBNETS = 200
LOOP = 40
ROUNDS = 3
MUST_REACH = 100
ROLE_TAGS = {"public": "kubernetes.io/role/elb", "private": "kubernetes.io/role/internal-elb"}
EXPECTED = {
    "first": {"DescribeCluster": 1, "DescribeSubnets": 1, "DescribeRouteTables": 1, "CreateTags": 2},
    "unchanged": {"DescribeCluster": 1, "DescribeSubnets": 1, "DescribeRouteTables": 1},
}


def make_vpc(aws: AwsServer, index: int) -> dict[str, str]:
    """Make a VPC of SUBNETS subnets, half of them public, in three zones; return public or private by subnet id."""
    ec2 = aws.client("ec2")
    vpc = ec2.create_vpc(CidrBlock=f"10.{index}.0.0/16")["Vpc"]["VpcId"]
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    roles = {}
    for number in range(SUBNETS):
        subnet = ec2.create_subnet(
            VpcId=vpc, CidrBlock=f"10.{index}.{number}.0/24", AvailabilityZone=f"{aws.region}{'abc'[number % 3]}"
        )["Subnet"]["SubnetId"]
        roles[subnet] = "private" if number % 2 else "public"
        if roles[subnet] == "public":
            ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)
    return roles


def make_cluster(aws: AwsServer, name: str, subnets: list[str]) -> None:
    """Make an EKS cluster in the subnets' VPC."""
    aws.client("eks").create_cluster(
        name=name,
        roleArn="arn:aws:iam::123456789012:role/eks-cluster",
        resourcesVpcConfig={"subnetIds": subnets[:3]},
    )


def playbook(loop_over: dict[str, str]) -> list[dict[str, Any]]:
    """Both ways as tasks of one play, each first with everything to tag and then with nothing."""
    tasks: list[dict[str, Any]] = []
    for number in range(ROUNDS):
        for state in ("first", "unchanged"):
            tasks.append({"name": f"ours {state} {number}", "ekspress.eks.subnet_tags": {"cluster": f"bench-{number}"}})
    tasks += [
        {
            "name": f"loop {state} 0",
            "amazon.aws.ec2_tag": {"resource": "{{ item.id }}", "tags": "{{ {item.tag: '1'} }}"},
            "loop": [{"id": subnet, "tag": ROLE_TAGS[role]} for subnet, role in loop_over.items()],
            "loop_control": {"label": "{{ item.id }}"},
        }
        for state in ("first", "unchanged")
    ]
    return [{"name": "Tag subnets", "hosts": "all", "gather_facts": False, "tasks": tasks}]


def check_tags(aws: AwsServer, roles: dict[str, str]) -> None:
    """Read back that every subnet carries the tag of its role; a benchmark of work that was not done says nothing."""
    described = aws.client("ec2").describe_subnets(SubnetIds=list(roles))["Subnets"]
    for subnet in described:
        tags = {tag["Key"]: tag["Value"] for tag in subnet.get("Tags", [])}
        if tags != {ROLE_TAGS[roles[subnet["SubnetId"]]]: "1"}:
            raise SystemExit(f"{subnet['SubnetId']} has the tags {tags}, which are not those of its role.")


def main() -> int:
    """Run the benchmark and print its table."""
    with AwsServer() as aws, tempfile.TemporaryDirectory(prefix="ekspress-bench-") as directory:
        print(f"Making {ROUNDS + 1} VPCs of {SUBNETS} subnets …", flush=True)
        vpcs = [make_vpc(aws, index) for index in range(ROUNDS + 1)]
        for number in range(ROUNDS):
            make_cluster(aws, f"bench-{number}", list(vpcs[number]))
        loop_over = dict(list(vpcs[ROUNDS].items())[:LOOP])
        print(f"Running both ways, the loop over {LOOP} subnets twice: one to ten minutes …", flush=True)
        aws.clear_calls()
        ran = run(aws.environment, Path(directory), playbook(loop_over), local("bench"))
        calls = aws.calls()
        for roles in [*vpcs[:ROUNDS], loop_over]:
            check_tags(aws, roles)
    return report(ran.times, ran.seconds, calls)


def report(times: dict[str, list[float]], whole: float, calls: list[dict[str, Any]]) -> int:
    """Print what was measured; return the exit code."""
    in_tasks = sum(end - start for start, end in times.values())
    print(
        f"\n{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}; one host, local, "
        f"pipelining on; start-up and end of ansible-playbook, in neither time: {whole - in_tasks:.2f} s"
    )
    print(f"{'way':<44}{'subnets':>8}{'seconds':>10}{'for 200':>10}  calls")
    ratios, wrong = {}, []
    for state in ("first", "unchanged"):
        rounds = [f"ours {state} {number}" for number in range(ROUNDS)]
        for name in rounds:
            counted = calls_during(calls, times[name])
            if counted != EXPECTED[state]:
                wrong.append(f"{name}: {counted}")
        ours = sorted(times[name][1] - times[name][0] for name in rounds)
        loop = times[f"loop {state} 0"]
        ratios[state] = (loop[1] - loop[0]) * SUBNETS / LOOP / ours[-1]
        print(row(f"{state} run: subnet_tags, slowest of {ROUNDS}", SUBNETS, ours[-1], EXPECTED[state]))
        median = ours[ROUNDS // 2]
        print(row(f"{state} run: subnet_tags, median of {ROUNDS}", SUBNETS, median, EXPECTED[state]))
        print(row(f"{state} run: loop of amazon.aws.ec2_tag", LOOP, loop[1] - loop[0], calls_during(calls, loop)))
    print(
        f"\nThe loop's time is scaled from {LOOP} to {SUBNETS} subnets; ratios are to the slowest run of subnet_tags."
    )
    print(", ".join(f"{state} run: {ratio:.0f} times as fast" for state, ratio in ratios.items()))
    for line in wrong:
        print(f"not the documented calls: {line}")
    speedup = min(ratios.values())
    print(f"speedup: {speedup:.0f}")
    return int(bool(wrong) or speedup < MUST_REACH)


def row(way: str, subnets: int, seconds: float, calls: dict[str, int]) -> str:
    """One line of the table."""
    scaled = seconds * SUBNETS / subnets
    counted = ", ".join(f"{count} {operation}" for operation, count in sorted(calls.items()))
    return f"{way:<44}{subnets:>8}{seconds:>10.3f}{scaled:>10.2f}  {sum(calls.values())} ({counted})"


if __name__ == "__main__":
    raise SystemExit(main())
