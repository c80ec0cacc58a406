# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""People's way into a cluster, whole: the playbook's kubeconfig, the real kubectl, and a name that follows a switch."""

from __future__ import annotations

import json
import os
import stat
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.ekspress.eks.plugins.module_utils._active_cluster import LOGIC
from ansible_collections.ekspress.eks.tests.support import run_logic

from sandbox.aws.client import UNWANTED
from tests.dns_server import DnsServer, route53_lookup
from tests.e2e import playbook
from tests.e2e.connect_proxy import ConnectProxy
from tests.sandbox_fixtures import RunningSandbox

PLAYBOOK = "playbooks/kubeconfig.yml"
BLUE, GREEN = "sandbox-blue", "kubeconfig-green"
ZONE = "kubeconfig.example.com"
STABLE = f"api.{ZONE}"
REGION = "eu-central-1"


@dataclass
class Ground:
    """Two clusters of an environment, its hosted zone, and what stands for DNS and the way to the API."""

    sandbox: RunningSandbox
    directory: Path
    zone_id: str
    dns: DnsServer
    proxy: ConnectProxy
    inventory: Path = field(init=False)
    identities: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        hosts = {name: {"cluster_region": REGION, "cluster_stable_name": STABLE} for name in (BLUE, GREEN)}
        self.identities = {identity(self.sandbox, name): name for name in hosts}
        self.inventory = self.directory / "hosts.json"
        self.inventory.write_text(json.dumps({"eks": {"hosts": hosts}}))

    @property
    def config(self) -> Path:
        return self.directory / "kube" / "config"

    def write(self, *arguments: str, **variables: Any) -> playbook.Run:
        """Run the playbook."""
        given = json.dumps({"kubeconfig_path": str(self.config), **variables})
        return playbook.run(
            self.sandbox.environment,
            self.inventory,
            "-e",
            given,
            *arguments,
            playbook=PLAYBOOK,
            HOME=str(self.directory),
        )

    def activate(self, cluster: str) -> dict[str, Any]:
        """Lead the stable name to a cluster."""
        endpoint = f"https://{cluster}.gr7.{REGION}.eks.amazonaws.com"
        options = {"name": STABLE, "cluster": cluster, "endpoint": endpoint, "zone_id": self.zone_id, "ttl": 1}
        aws = {"endpoint_url": self.sandbox.aws().endpoint, "region": REGION}
        keys = {
            name: self.sandbox.environment[f"AWS_{name.upper()}"] for name in ("secret_access_key", "access_key_id")
        }
        result = run_logic(LOGIC, {**options, **aws, "aws_access_key": keys["access_key_id"],
                                   "aws_secret_key": keys["secret_access_key"]})  # fmt: skip
        assert not result.get("failed"), result
        return result

    def kubectl(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run the real kubectl with the kubeconfig."""
        clean = {key: value for key, value in os.environ.items() if key not in UNWANTED}
        return subprocess.run(
            [str(Path(self.sandbox.state["bin"], "kubectl")), "--kubeconfig", str(self.config), *arguments],
            env={
                **clean,
                **self.sandbox.environment,
                "HOME": str(self.directory),
                "EKSPRESS_RESOLVER": self.dns.address,
                **environment,
            },
            capture_output=True,
            text=True,
            check=False,
        )

    def reached(self, context: str) -> str:
        """The cluster that a context leads to, by the identity of a namespace that each has."""
        done = self.kubectl("--context", context, "get", "namespace", "kube-system", "-o", "jsonpath={.metadata.uid}")
        assert done.returncode == 0, done.stderr
        return self.identities[done.stdout]


def identity(sandbox: RunningSandbox, name: str) -> str:
    kube = sandbox.kube(name)
    try:
        return str(kube.get("/api/v1/namespaces/kube-system")["metadata"]["uid"])
    finally:
        kube.close()


def changed(run: playbook.Run) -> list[str]:
    """The tasks that changed something, without the role's name."""
    return [task.name.rpartition(" : ")[2] for task in run.tasks if task.changed]


@pytest.fixture(scope="module")
def ground(sandbox: RunningSandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    sandbox.up(GREEN)
    route53 = sandbox.aws().client("route53")
    made = route53.create_hosted_zone(Name=ZONE, CallerReference=ZONE)["HostedZone"]["Id"].removeprefix("/hostedzone/")
    records = route53_lookup(route53, made)
    ports = {name: int(sandbox.cluster(name)["endpoint"].rpartition(":")[2]) for name in (BLUE, GREEN)}

    def resolve(host: str) -> tuple[str, int]:
        """As DNS would: the stable name's CNAME record, and behind it the address of the cluster's API."""
        (alias,) = [item.value for item in records(host) if item.kind == "CNAME"]
        return "127.0.0.1", ports[alias.partition(".")[0]]

    with DnsServer(records) as dns, ConnectProxy(resolve) as proxy:
        yield Ground(sandbox, tmp_path_factory.mktemp("kubeconfig"), made, dns, proxy)


@pytest.fixture(scope="module")
def written(ground: Ground) -> Ground:
    """The kubeconfig, written by the playbook, with the user's own proxy set in it."""
    run = ground.write()
    assert run.code == 0, run.output
    assert changed(run) == [
        "Make the directory of the exec credential program",
        "Install the exec credential program",
        "Write the kubeconfig",
    ]
    done = ground.kubectl("config", "set-cluster", STABLE, f"--proxy-url={ground.proxy.url}")
    assert done.returncode == 0, done.stderr
    return ground


def test_each_cluster_has_a_context_that_kubectl_uses(written: Ground) -> None:
    assert {name: written.reached(name) for name in (BLUE, GREEN)} == {BLUE: BLUE, GREEN: GREEN}


def test_the_stable_name_follows_the_active_cluster_with_the_same_kubeconfig(written: Ground) -> None:
    before = written.config.read_bytes()
    for active in (BLUE, GREEN, BLUE):
        written.activate(active)
        assert written.reached(STABLE) == active
    assert written.config.read_bytes() == before
    assert set(written.proxy.asked) == {f"{STABLE}:443"}
    assert {name for _protocol, name in written.dns.asked} == {f"_eks.{STABLE}"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda cluster: cluster.pop("tls-server-name"), f"not {STABLE}"),
        (lambda cluster: cluster.pop("certificate-authority-data"), "certificate signed by unknown authority"),
    ],
)
def test_tls_is_verified(written: Ground, tmp_path: Path, change: Any, message: str) -> None:
    """Without the name that all certificates have, or without the CAs, there is no way in."""
    written.activate(BLUE)
    content = yaml.safe_load(written.config.read_text())
    for item in content["clusters"]:
        if item["name"] == STABLE:
            change(item["cluster"])
    broken = tmp_path / "config"
    broken.write_text(yaml.safe_dump(content))
    done = written.kubectl("--kubeconfig", str(broken), "--context", STABLE, "get", "nodes")
    assert done.returncode != 0
    assert message in done.stderr


def test_a_forged_record_leads_nowhere(written: Ground) -> None:
    """The kubeconfig says which clusters there are: a record that names another one is told, and no token is made."""
    written.activate(BLUE)
    real = written.dns.change
    written.dns.change = lambda _protocol, answer: answer.replace(BLUE.encode(), b"other-" + BLUE[6:].encode())
    try:
        done = written.kubectl("--context", STABLE, "get", "nodes", XDG_CACHE_HOME=str(written.directory / "forged"))
    finally:
        written.dns.change = real
    assert done.returncode != 0
    assert "somebody has forged the record" in done.stderr
    assert "k8s-aws-v1" not in done.stdout + done.stderr


def test_a_second_run_changes_nothing_though_kubectl_wrote_the_file(written: Ground) -> None:
    """kubectl writes fields of its own, and the user's proxy stays."""
    assert written.kubectl("config", "set-context", BLUE, "--namespace=web").returncode == 0
    before = written.config.read_bytes()
    again = written.write()
    assert again.code == 0, again.output
    assert changed(again) == []
    assert written.config.read_bytes() == before
    assert written.proxy.url in before.decode()
    assert stat.S_IMODE(written.config.stat().st_mode) == 0o600


def test_a_run_that_is_limited_still_trusts_both_clusters(written: Ground) -> None:
    """As a slice of an AWX job is: the environment's other cluster is known from the inventory."""
    path = written.directory / "limited" / "config"
    run = written.write("--limit", GREEN, kubeconfig_path=str(path))
    assert run.code == 0, run.output
    content = yaml.safe_load(path.read_text())
    assert [item["name"] for item in content["contexts"]] == [BLUE, GREEN, STABLE]
    assert len({json.dumps(item["cluster"]) for item in content["clusters"]}) == 3


def test_a_kubeconfig_that_is_handed_out_works_where_it_is_put(written: Ground, tmp_path: Path) -> None:
    """Program and kubeconfig in one directory, and no path of the machine that wrote them in either."""
    made = written.directory / "handout"
    run = written.write(
        kubeconfig_path=str(made / "config"), kubeconfig_command="./ekspress_credential", kubeconfig_python="python3"
    )
    assert run.code == 0, run.output
    moved = tmp_path / "elsewhere"
    made.rename(moved)
    assert (moved / "ekspress_credential").read_text().startswith("#!/usr/bin/env python3\n# Copyright")
    assert str(written.directory) not in (moved / "config").read_text()
    path = f"{playbook.BIN}:{os.environ['PATH']}"
    done = written.kubectl("--kubeconfig", str(moved / "config"), "--context", BLUE, "get", "nodes", PATH=path)
    assert done.returncode == 0, done.stderr


def test_check_mode_writes_nothing(ground: Ground) -> None:
    path = ground.directory / "checked" / "config"
    run = ground.write("--check", "--diff", kubeconfig_path=str(path))
    assert run.code == 0, run.output
    assert not path.parent.exists()
    assert changed(run) == ["Make the directory of the exec credential program", "Write the kubeconfig"]
