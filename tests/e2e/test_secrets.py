# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""No token and no key is in what Ansible prints, logs and hands to callbacks at -vvv, in process and as modules."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from sandbox.aws.client import SECRET_KEY
from tests.contract_suite.runs import WAYS, Playground, Run
from tests.dns_server import DnsServer, Record
from tests.sandbox_fixtures import RunningSandbox

CLUSTER = "sandbox-blue"
REGION = "eu-central-1"
ZONE = "secrets.example.com"
STABLE = f"api.{ZONE}"
CHART = Path(__file__).parents[1] / "contract_suite" / "chart"
LOOKUP = f"{{{{ lookup('ekspress.eks.token', '{CLUSTER}', region='{REGION}') }}}}"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "arn:aws:iam::123456789012:root"}}
    ],
}


@dataclass(frozen=True)
class Ground:
    """What the plays are made of, and the secrets that they hold."""

    sandbox: RunningSandbox
    directory: Path
    session: dict[str, str]
    role: str
    zone_id: str
    dns: str

    def secrets(self) -> dict[str, str]:
        """Patterns of what may be nowhere, by what it is."""
        texts = {
            "the secret key": SECRET_KEY,
            "the session's secret key": self.session["SecretAccessKey"],
            "the session's token": self.session["SessionToken"],
        }
        written = {f"{name}, quoted": quote(text, safe="") for name, text in texts.items()}
        return {
            **{name: re.escape(text) for name, text in (texts | written).items()},
            "a token": r"k8s-aws-v1(\.|%2E)[\w-]{20}",
            # The base64 of http:// or https:// and more.
            "a token's content": r"aHR0c(DovL|HM6Ly)[\w-]{40}",
            "a signed request": r"(?i)x-amz-(signature|security-token)(=|%3D|:)",
        }

    def run(self, way: str, tasks: list[dict[str, Any]]) -> tuple[Run, str]:
        """Run tasks at -vvv; return the run, and all that it printed, logged and gave to callbacks."""
        home = self.directory / way.replace(" ", "-")
        home.mkdir(exist_ok=True)
        ground = Playground(
            home / f"ground-{len(list(home.iterdir()))}", {**self.sandbox.environment, "HOME": str(home)}
        )
        hosts = {CLUSTER: {"ansible_python_interpreter": ground.interpreter(way), "cluster_region": REGION}}
        run = ground.run(
            [{"hosts": "all", "gather_facts": False, "tasks": tasks}],
            hosts,
            ("-vvv", "--diff"),
            ANSIBLE_LOG_PATH=str(home / "log"),
            ANSIBLE_DISPLAY_TRACEBACK="always",
            EKSPRESS_RESOLVER=self.dns,
        )
        return run, run.output + (home / "log").read_text() + json.dumps(run.records)


@pytest.fixture(scope="module")
def ground(sandbox: RunningSandbox, tmp_path_factory: pytest.TempPathFactory) -> Any:
    iam, route53 = sandbox.aws().client("iam"), sandbox.aws().client("route53")
    role = iam.create_role(RoleName="secrets-test", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    session = sandbox.aws().client("sts").assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
    zone_id = route53.create_hosted_zone(Name=ZONE, CallerReference=ZONE)["HostedZone"]["Id"].rpartition("/")[2]
    text = f'"v=eks1 cluster={CLUSTER} region={REGION}"'
    with DnsServer(lambda name: [Record("TXT", text)] if name == f"_eks.{STABLE}" else []) as dns:
        yield Ground(sandbox, tmp_path_factory.mktemp("secrets"), session, role, zone_id, dns.address)


def found(ground: Ground, text: str) -> list[str]:
    """Which of the secrets are in a text."""
    return [name for name, pattern in ground.secrets().items() if re.search(pattern, text)]


def tasks(ground: Ground) -> list[dict[str, Any]]:
    """All modules that hold tokens or keys, where they succeed and where they fail."""
    kubeconfig = "{{ playbook_dir }}/people/config"
    as_session = {
        "access_key": ground.session["AccessKeyId"],
        "secret_key": ground.session["SecretAccessKey"],
        "session_token": ground.session["SessionToken"],
    }
    bundle = {"kubeconfig": kubeconfig, "context": CLUSTER}
    people = [{"arn": ground.role, "username": "secrets-test", "groups": ["readonly"]}]
    entry = {"principal": ground.role}
    groups = [{"name": "secrets-test", "cluster_roles": ["view"]}]
    release = {"name": "secrets-test", "chart": str(CHART)}
    helm = {"cluster": CLUSTER, "helm_binary": str(Path(ground.sandbox.state["bin"], "helm"))}
    record = {"name": STABLE, "zone_id": ground.zone_id, "endpoint": "https://x.eks.amazonaws.com"}
    nodes = {"kind": "Node"}
    api = {"host": ground.sandbox.cluster(CLUSTER)["endpoint"], "ca_cert": ground.sandbox.cluster(CLUSTER)["ca_file"]}
    made: list[tuple[str, dict[str, Any]]] = [
        ("ekspress.eks.cluster_info", {"cluster": CLUSTER, **as_session}),
        ("ekspress.eks.cluster_info", {"cluster": CLUSTER, "assume_role_arn": ground.role}),
        ("ekspress.eks.cluster_info", {"cluster": "nowhere", **as_session}),
        ("ekspress.eks.active_cluster", {**record, "cluster": CLUSTER, **as_session}),
        ("ekspress.eks.active_cluster", {**record, "cluster": CLUSTER, "state": "absent"}),
        ("ekspress.eks.kubeconfig", {"path": kubeconfig, "clusters": [{"name": "nowhere"}], "exec_command": ["x"]}),
        ("ekspress.eks.aws_auth", {"cluster": CLUSTER, "roles": people}),
        ("ekspress.eks.aws_auth", {"cluster": CLUSTER, "roles": people, "state": "absent"}),
        ("ekspress.eks.aws_auth", {"cluster": CLUSTER, "roles": people, **as_session}),
        ("ekspress.eks.aws_auth", {**api, "api_key": LOOKUP, "roles": people}),
        ("ekspress.eks.aws_auth", {**bundle, "roles": people, "state": "absent"}),
        ("ekspress.eks.helm_releases", {**helm, "releases": [{**release, "values": {"text": "hello"}}]}),
        ("ekspress.eks.helm_releases", {**helm, "releases": [{**release, "chart": "/no/such/chart"}]}),
        ("ekspress.eks.helm_releases", {**helm, "releases": [{"name": "secrets-test", "state": "absent"}]}),
        ("kubernetes.core.k8s_info", {**api, "api_key": LOOKUP, **nodes}),
        ("ekspress.eks.aws_auth", {"host": "https://127.0.0.1:1", "api_key": LOOKUP, "roles": people}),
        ("kubernetes.core.k8s_info", {**bundle, **nodes}),
        ("kubernetes.core.k8s_info", {**bundle, **nodes, "kubeconfig": "{{ playbook_dir }}/unreachable"}),
        ("ekspress.eks.access_entries", {"cluster": CLUSTER, "entries": [{**entry, "groups": ["readonly"]}]}),
        ("ekspress.eks.access_entries", {"cluster": CLUSTER, "entries": [entry], "state": "absent", **as_session}),
        ("ekspress.eks.access_entries", {"cluster": CLUSTER, "entries": [entry], "state": "absent"}),
        ("ekspress.eks.rbac_groups", {"cluster": CLUSTER, "groups": groups}),
        ("ekspress.eks.rbac_groups", {**api, "api_key": LOOKUP, "groups": groups, "state": "absent"}),
        ("ekspress.eks.rbac_groups", {"cluster": CLUSTER, "groups": groups, **as_session}),
        ("ekspress.eks.access_migration", {"cluster": CLUSTER}),
        ("ekspress.eks.access_migration", {"cluster": CLUSTER, "state": "prepared", **as_session}),
    ]
    listed = [
        {"name": f"{number} {module}", module: arguments, "ignore_errors": True}
        for number, (module, arguments) in enumerate(made)
    ]
    by_default = {
        "name": "By module defaults",
        "module_defaults": {"group/kubernetes.core.k8s": {**api, "api_key": LOOKUP}},
        "block": [{"name": "Defaults", "kubernetes.core.k8s_info": nodes}],
    }
    # Where nobody answers, kubernetes.core shows a task's arguments as they are: docs/kubeconfig.md says what helps.
    unreachable = {
        "name": "Out of reach",
        "kubernetes.core.k8s_info": {**api, "api_key": LOOKUP, **nodes, "host": "https://127.0.0.1:1"},
        "ignore_errors": True,
        "no_log": True,
    }
    config = "lookup('ansible.builtin.file', playbook_dir ~ '/people/config')"
    broken = {
        "name": "A context that leads nowhere",
        "ansible.builtin.copy": {
            "dest": "{{ playbook_dir }}/unreachable",
            "content": f"{{{{ {config} | regex_replace('server: .*', 'server: https://127.0.0.1:1') }}}}",
            "mode": "0600",
        },
    }
    role = {
        "name": "A kubeconfig",
        "ansible.builtin.include_role": {"name": "ekspress.eks.kubeconfig"},
        "vars": {"kubeconfig_path": kubeconfig, "cluster_stable_name": STABLE},
    }
    return [role, broken, *listed, by_default, unreachable, role]


@pytest.mark.parametrize("way", WAYS)
def test_no_secret_is_shown(ground: Ground, way: str) -> None:
    run, text = ground.run(way, tasks(ground))
    assert run.code == 0, run.output
    assert found(ground, text) == []
    failed = {record["task"]: record["result"].get("msg") for record in run.records if record["kind"] == "failed"}
    # What was to succeed did, so that it held a token or a key; the others show what a failure says.
    assert {int(name.split()[0]) for name in failed if name[0].isdigit()} == {2, 5, 8, 12, 15, 17, 19, 23, 25}, failed
    ours = [name for name in run.modules() if "ekspress.eks." in name]
    assert bool(ours) is (way == WAYS[1])


def test_what_is_looked_for_would_be_found(ground: Ground) -> None:
    leaks = [
        {"name": "A token", "ansible.builtin.debug": {"msg": LOOKUP}},
        {"name": "Keys", "ansible.builtin.debug": {"msg": list(ground.session.values())[:3]}},
    ]
    _run, text = ground.run(WAYS[0], leaks)
    assert {"a token", "a token's content", "the session's token"} <= set(found(ground, text))
