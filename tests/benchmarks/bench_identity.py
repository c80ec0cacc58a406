# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""irsa_roles on 20 unchanged roles against a loop of amazon.aws.iam_role, both in one run of ansible-playbook.

``make bench-identity``. IAM answers each call after 50 ms, about what it takes from afar; the sandbox's server adds its
own time to both ways. The roles are the same ones: trust in a service account, one managed policy, one inline policy.
iam_role knows no inline policies, so the loop is measured twice: alone, where irsa_roles is asked for the trust and the
managed policy only, and with a second loop, of amazon.aws.iam_policy, where it is asked for all three. Times are of the
tasks, from start to end as Ansible's callbacks see them; the start-up of ansible-playbook is outside of both and shown.
Of irsa_roles the slowest of several runs counts. Exits with 1 where the lower of the two ratios is below 10, where
anything was changed, or where the number of calls is not the documented one.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import tempfile
from pathlib import Path
from typing import Any

from sandbox.aws.client import AwsServer
from tests.benchmarks.playbooks import calls_during, local, run

ROLES = 20
ROUNDS = 3
LATENCY = 0.05
MUST_REACH = 10.0
ISSUER = "https://oidc.eks.eu-central-1.amazonaws.com/id/B1"
MANAGED = "arn:aws:iam::aws:policy/ReadOnlyAccess"
INLINE = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": ["s3:GetObject", "s3:ListBucket"], "Resource": "*"}],
}
NAMES = [f"bench-{number:02d}" for number in range(ROLES)]
EXPECTED = {
    "managed": {"GetRole": ROLES, "ListAttachedRolePolicies": ROLES},
    "with inline": {"GetRole": ROLES, "ListAttachedRolePolicies": ROLES, "GetRolePolicy": ROLES},
}
FOR_THE_TASK = {"GetCallerIdentity": 1, "GetOpenIDConnectProvider": 1}
WAYS = {"managed": "amazon.aws.iam_role", "with inline": "amazon.aws.iam_role and iam_policy"}


def ours(what: str) -> dict[str, Any]:
    """The one task of irsa_roles."""
    roles = [
        {
            "name": name,
            "service_accounts": [f"default:{name}"],
            "managed_policy_arns": [MANAGED],
            **({"policies": {"s3": INLINE}} if what == "with inline" else {}),
        }
        for name in NAMES
    ]
    return {"ekspress.eks.irsa_roles": {"issuer": ISSUER, "roles": roles}}


def loop_over_roles(documents: dict[str, Any]) -> dict[str, Any]:
    """The task of amazon.aws that looks after trust and managed policies."""
    return {
        "amazon.aws.iam_role": {
            "name": "{{ item.name }}",
            "assume_role_policy_document": "{{ item.trust }}",
            "managed_policies": [MANAGED],
            "create_instance_profile": False,
        },
        "loop": [{"name": name, "trust": document} for name, document in documents.items()],
        "loop_control": {"label": "{{ item.name }}"},
    }


def loop_over_policies() -> dict[str, Any]:
    """The task of amazon.aws that looks after inline policies."""
    return {
        "amazon.aws.iam_policy": {
            "iam_type": "role",
            "iam_name": "{{ item }}",
            "policy_name": "s3",
            "policy_json": json.dumps(INLINE),
            "state": "present",
        },
        "loop": NAMES,
    }


def playbook(documents: dict[str, Any]) -> list[dict[str, Any]]:
    """Both ways as tasks of one play, which ends where one of them changes something."""
    tasks = [
        {"name": f"ours {what} {number}", **ours(what)}
        for number in range(ROUNDS)
        for what in ("managed", "with inline")
    ]
    tasks += [
        {"name": "loop roles", **loop_over_roles(documents)},
        {"name": "loop policies", **loop_over_policies()},
    ]
    for task in tasks:
        task |= {"register": "outcome", "failed_when": "outcome is failed or outcome is changed"}
    return [{"name": "Look after roles", "hosts": "all", "gather_facts": False, "tasks": tasks}]


def make_roles(aws: AwsServer, directory: Path) -> dict[str, Any]:
    """Make provider and roles, by irsa_roles; return the trust policies."""
    iam = aws.client("iam")
    iam.create_open_id_connect_provider(Url=ISSUER, ClientIDList=["sts.amazonaws.com"])
    play = {"hosts": "all", "gather_facts": False, "tasks": [{"name": "make", **ours("with inline")}]}
    run(aws.environment, directory, [play], local("bench"))
    return {name: iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"] for name in NAMES}


def main() -> int:
    """Run the benchmark and print its table."""
    with AwsServer() as aws, tempfile.TemporaryDirectory(prefix="ekspress-bench-") as directory:
        print(f"Making {ROLES} roles …", flush=True)
        documents = make_roles(aws, Path(directory))
        aws.fault("*", "latency", service="iam", seconds=LATENCY, times=None)
        print("Running both ways: one to five minutes …", flush=True)
        aws.clear_calls()
        ran = run(aws.environment, Path(directory), playbook(documents), local("bench"))
        calls = aws.calls()
    return report(ran.times, ran.seconds, calls)


def report(times: dict[str, list[float]], whole: float, calls: list[dict[str, Any]]) -> int:
    """Print what was measured; return the exit code."""
    seconds = {name: end - start for name, (start, end) in times.items()}
    print(
        f"\n{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {platform.machine()}, Python "
        f"{platform.python_version()}; one host, local, pipelining on; start-up and end of ansible-playbook, in "
        f"neither time: {whole - sum(seconds.values()):.2f} s"
    )
    print(f"{ROLES} unchanged roles, {LATENCY * 1000:.0f} ms for each call of IAM\n{'way':<64}{'seconds':>9}  calls")
    loops = {"managed": ["loop roles"], "with inline": ["loop roles", "loop policies"]}
    ratios, wrong = {}, [f"{call['operation']} was called" for call in calls if call["write"]]
    for what, expected in EXPECTED.items():
        rounds = [f"ours {what} {number}" for number in range(ROUNDS)]
        for name in rounds:
            counted = calls_during(calls, times[name])
            if counted != expected | FOR_THE_TASK:
                wrong.append(f"{name}: {counted}")
        measured = sorted(seconds[name] for name in rounds)
        loop = sum(seconds[name] for name in loops[what])
        looped = sum(sum(calls_during(calls, times[name]).values()) for name in loops[what])
        ratios[what] = loop / measured[-1]
        ours_calls = sum((expected | FOR_THE_TASK).values())
        print(row(f"{what}: irsa_roles, slowest of {ROUNDS}", measured[-1], ours_calls))
        print(row(f"{what}: irsa_roles, median of {ROUNDS}", measured[ROUNDS // 2], ours_calls))
        print(row(f"{what}: loop of {WAYS[what]}", loop, looped))
    print("\nRatios are to the slowest run of irsa_roles: ", end="")
    print(", ".join(f"{what}: {ratio:.1f} times as fast" for what, ratio in ratios.items()))
    for line in wrong:
        print(f"not as documented: {line}")
    speedup = min(ratios.values())
    print(f"speedup: {speedup:.0f}")
    return int(bool(wrong) or speedup < MUST_REACH)


def row(way: str, seconds: float, calls: int) -> str:
    """One line of the table."""
    return f"{way:<64}{seconds:>9.3f}  {calls}"


if __name__ == "__main__":
    sys.exit(main())
