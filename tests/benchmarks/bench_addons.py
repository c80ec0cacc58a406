# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The add-ons of ``site`` against the same built of amazon.aws and kubernetes.core, and side by side or one by one.

``make bench-addons``. All runs are on clusters of one sandbox, with its stand-in charts. IAM answers each call after 50
ms, about what it takes from afar.

First run: ``--tags addons`` on a cluster with ``addon_concurrency=1`` and on another with the default. Each release's
pods take 5 s to become ready, as its gate waits for them.

Unchanged run: ``--tags addons`` again, against a play of ``amazon.aws.iam_managed_policy``, ``amazon.aws.iam_role`` and
``kubernetes.core.helm`` for each IAM role and release, with the same policies, charts and values, on releases that are
the same ones. That play has nothing for queues, rules, lifecycle hooks and tags of Auto Scaling groups, zones and
certificates, nor for gates, which ours looks after too. Times are of the tasks that look and converge; of ours the
slowest of several runs counts. CPU is of whole runs less that of an empty play.

Exits with 1 where a ratio is too small or a run that is called unchanged changes something.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

from sandbox.aws.client import AwsServer
from sandbox.lifecycle import Sandbox
from sandbox.process import ROOT
from sandbox.state import State
from tests.benchmarks.playbooks import Ran, local, run
from tests.sandbox_guard import guarded

ONE, FOUR = "bench-one", "bench-four"
ROUNDS = 3
LATENCY = 0.05
SLOW = {"sandbox.ekspress/ready-after": "5s", "sandbox.ekspress/run": "false"}
"""Annotations of pods that take their time; also of those that would really run, and be ready when they are."""
VALUES = {
    "alb_controller_values": {"podAnnotations": SLOW},
    "cluster_autoscaler_values": {"podAnnotations": SLOW},
    "external_dns_values": {"podAnnotations": SLOW},
    "node_termination_handler_values": {"podAnnotations": SLOW},
    "traefik_values": {"deployment": {"podAnnotations": SLOW}},
}
FASTER_UNCHANGED = 5.0
FASTER_FIRST = 2.0
RELEASES = "ekspress.eks.addon : Converge the releases"
CONVERGE = (
    "ekspress.eks.addon : Plan what add-ons want",
    "ekspress.eks.addon : Refuse what cannot work",
    "ekspress.eks.addon : Check that the control plane reaches the nodes",
    "ekspress.eks.addon : Converge the identities",
    "ekspress.eks.addon : Converge the interruption queues",
    "ekspress.eks.addon : Converge the Auto Scaling groups",
    RELEASES,
)
SITE = [{"name": "Site", "ansible.builtin.import_playbook": str(ROOT / "playbooks" / "site.yml")}]


class Bench:
    """A sandbox with two clusters, and what runs on it."""

    def __init__(self, base: Path, directory: Path) -> None:
        self._directory = directory
        self._state = State(base).data
        self.environment = dict(self._state["environment"])
        self.aws = AwsServer.at(self._state["aws"]["endpoint"])
        variables = yaml.safe_load((ROOT / "inventories/sandbox/group_vars/eks.yml").read_text())
        self._variables = variables | VALUES
        self.addons: list[str] = variables["platform_addons"]

    def site(self, cluster: str, tags: str, **variables: Any) -> Ran:
        """Run the playbook site for a cluster."""
        arguments = ["--tags", tags, "--extra-vars", json.dumps(self._variables | variables)]
        return run(self.environment, self._directory, SITE, local(cluster), *arguments)

    def play(self, tasks: list[dict[str, Any]]) -> Ran:
        """Run tasks."""
        play = {"name": "Add-ons", "hosts": "all", "gather_facts": False, "tasks": tasks}
        return run(self.environment, self._directory, [play], local(FOUR))

    def stock(self) -> list[dict[str, Any]]:
        """The tasks of amazon.aws and kubernetes.core for what our run has made."""
        iam = self.aws.client("iam")
        names = [role["RoleName"] for page in iam.get_paginator("list_roles").paginate() for role in page["Roles"]]
        tasks = []
        for name in names:
            policies = iam.list_role_policies(RoleName=name)["PolicyNames"]
            if not name.startswith(f"{FOUR}-") or not policies:
                continue
            trust = iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
            document = iam.get_role_policy(RoleName=name, PolicyName=policies[0])["PolicyDocument"]
            tasks += self._stock_identity(name.replace(FOUR, "stock"), document, trust)
        return [*tasks, *map(self._stock_release, self._helm("list", "--all-namespaces"))]

    def _stock_identity(self, name: str, document: dict[str, Any], trust: dict[str, Any]) -> list[dict[str, Any]]:
        account = trust["Statement"][0]["Principal"]["Federated"].split(":")[4]
        return [
            {
                "name": f"Policy {name}",
                "amazon.aws.iam_managed_policy": {"name": name, "policy": json.dumps(document, separators=(",", ":"))},
            },
            {
                "name": f"Role {name}",
                "amazon.aws.iam_role": {
                    "name": name,
                    "assume_role_policy_document": json.dumps(trust),
                    "managed_policies": [f"arn:aws:iam::{account}:policy/{name}"],
                    "create_instance_profile": False,
                },
            },
        ]

    def _stock_release(self, release: dict[str, str]) -> dict[str, Any]:
        name, namespace = release["name"], release["namespace"]
        chart, _, version = release["chart"].rpartition("-")
        own = ROOT / "charts" / chart
        return {
            "name": f"Release {name}",
            "kubernetes.core.helm": {
                "name": name,
                "namespace": namespace,
                "chart_ref": str(own) if own.exists() else f"{self._state['registry']['charts']}/{chart}",
                "chart_version": version,
                "values": self._helm("get", "values", name, "--namespace", namespace),
                "kubeconfig": self._state["clusters"][FOUR]["kubeconfig"],
                "binary_path": str(Path(self._state["bin"], "helm3")),
                "plain_http": True,
            },
        }

    def _helm(self, *arguments: str) -> Any:
        kubeconfig = self._state["clusters"][FOUR]["kubeconfig"]
        command = [str(Path(self._state["bin"], "helm")), *arguments, "--kubeconfig", kubeconfig, "--output", "json"]
        return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main() -> int:
    """Run the benchmark and print its table."""
    with tempfile.TemporaryDirectory(prefix="ekspress-bench-") as place:
        base = Path(place, "sandbox")
        with guarded(base):
            print("Starting two clusters …", flush=True)
            Sandbox(base).up([ONE, FOUR])
            return measure(Bench(base, Path(place)))


def measure(bench: Bench) -> int:
    """Measure everything on a sandbox that is up; return the exit code."""
    bench.aws.fault("*", "latency", service="iam", seconds=LATENCY, times=None)
    for cluster in (ONE, FOUR):
        bench.site(cluster, "network,identity")
    print("First runs: one release after the other, then side by side …", flush=True)
    first = {
        "one by one": bench.site(ONE, "addons", addon_concurrency=1),
        "side by side": bench.site(FOUR, "addons"),
    }
    print("Unchanged runs, both ways …", flush=True)
    ours = [bench.site(FOUR, "addons") for _ in range(ROUNDS)]
    stock = bench.stock()
    bench.play(stock)
    theirs = bench.play(stock)
    empty = bench.play([{"name": "Nothing", "ansible.builtin.meta": "noop"}])
    changed = sum(ran.changed for ran in (*ours, theirs))
    if changed:
        print(f"Runs that are called unchanged changed something: {changed} tasks.")
        return 1
    print(
        f"\n{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {platform.machine()}, Python "
        f"{platform.python_version()}; {len(bench.addons)} add-ons, {LATENCY * 1000:.0f} ms for each call of IAM"
    )
    return report(first, ours, theirs, empty, [task["name"] for task in stock])


def report(first: dict[str, Ran], ours: list[Ran], theirs: Ran, empty: Ran, names: list[str]) -> int:
    """Print what was measured; return the exit code."""
    print(f"{'run':<72}{'seconds':>9}{'CPU s':>8}")
    for way, ran in first.items():
        print(row(f"first, {way}: helm_releases, gates of 5 s", ran.spent(RELEASES), ran.cpu - empty.cpu))
    measured = sorted(ours, key=lambda ran: ran.spent(*CONVERGE))
    print(
        row(
            f"unchanged: ekspress.eks, slowest of {ROUNDS}", measured[-1].spent(*CONVERGE), measured[-1].cpu - empty.cpu
        )
    )
    median = measured[ROUNDS // 2]
    print(row(f"unchanged: ekspress.eks, median of {ROUNDS}", median.spent(*CONVERGE), median.cpu - empty.cpu))
    stock = theirs.spent(*names)
    print(row("unchanged: iam_managed_policy, iam_role and helm, each add-on in turn", stock, theirs.cpu - empty.cpu))
    print(row("an empty play, whole", empty.seconds, empty.cpu))
    faster = first["one by one"].spent(RELEASES) / first["side by side"].spent(RELEASES)
    speedup = stock / measured[-1].spent(*CONVERGE)
    print(f"\nfirst run, side by side: {faster:.1f} times as fast; unchanged run: {speedup:.1f} times as fast")
    print(f"speedup: {speedup:.0f}")
    return int(faster < FASTER_FIRST or speedup < FASTER_UNCHANGED)


def row(way: str, seconds: float, cpu: float) -> str:
    """One line of the table."""
    return f"{way:<72}{seconds:>9.2f}{cpu:>8.2f}"


if __name__ == "__main__":
    sys.exit(main())
