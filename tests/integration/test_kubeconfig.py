# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""kubeconfig against the AWS server and a file: calls, rights, backups, and what goes wrong on the way."""

from __future__ import annotations

import base64
import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.ekspress.eks.plugins.module_utils import _kubeconfig, _kubeconfig_file
from ansible_collections.ekspress.eks.plugins.module_utils._kubeconfig import LOGIC
from ansible_collections.ekspress.eks.tests.integration.eks_clusters import ACCOUNT, counted, make_cluster
from ansible_collections.ekspress.eks.tests.support import run_held, run_logic

from sandbox.aws.client import AwsServer

STABLE = "api.example.com"
CLUSTERS = [{"name": "blue", "stable_name": STABLE}, {"name": "green", "stable_name": "API.example.com."}]
OTHERS = "apiVersion: v1\nkind: Config\nusers: [{name: home, user: {token: t0ps3cret}}]\ncurrent-context: home\n"


def pem(name: str) -> str:
    body = base64.b64encode(name.encode()).decode()
    return f"-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n"


class Ground:
    """An account with two clusters, and a directory for a kubeconfig."""

    def __init__(self, aws: AwsServer, directory: Path) -> None:
        self.aws = aws
        self.path = directory / "kube" / "config"
        for name in ("blue", "green"):
            make_cluster(aws, name)
            ca_data = base64.b64encode(pem(name).encode()).decode()
            aws.cluster(name, endpoint=f"https://{name}.eks.amazonaws.com", ca_data=ca_data)

    def run(self, *, check: bool = False, **options: Any) -> dict[str, Any]:
        self.aws.clear_calls()
        given = {"path": str(self.path), "clusters": CLUSTERS, "exec_command": ["/bin/ekspress_credential"], **options}
        return run_logic(LOGIC, {"region": "eu-central-1", **given}, check=check, diff=True)

    def write(self, text: str) -> None:
        self.path.parent.mkdir(exist_ok=True)
        self.path.write_text(text)
        self.path.chmod(0o600)

    def content(self, section: str, name: str) -> dict[str, Any]:
        (found,) = [item for item in yaml.safe_load(self.path.read_text())[section] if item["name"] == name]
        return dict(found[section.removesuffix("s")])

    def files(self) -> list[str]:
        return sorted(path.name for path in self.path.parent.iterdir())


@pytest.fixture
def ground(aws: AwsServer, tmp_path: Path) -> Ground:
    return Ground(aws, tmp_path)


def test_one_read_of_each_cluster_makes_all_contexts(ground: Ground, aws: AwsServer) -> None:
    result = ground.run(exec_role_arn="arn:aws:iam::123456789012:role/ops", exec_profile="people")
    assert result["changed"], result
    assert counted(aws) == {"eks:DescribeCluster": 2}
    assert result["contexts"] == [{"name": name, "state": "created"} for name in ("blue", "green", STABLE)]
    assert ground.content("clusters", "blue")["server"] == "https://blue.eks.amazonaws.com"
    assert "tls-server-name" not in ground.content("clusters", "blue")
    stable = ground.content("clusters", STABLE)
    assert (stable["server"], stable["tls-server-name"]) == (f"https://{STABLE}", "kubernetes.default.svc")
    assert base64.b64decode(stable["certificate-authority-data"]).decode() == pem("blue") + pem("green")
    assert ground.content("users", STABLE)["exec"]["args"] == [
        *("--name", STABLE, "--among", "eu-central-1/blue", "--among", "eu-central-1/green"),
        *("--profile", "people", "--role-arn", "arn:aws:iam::123456789012:role/ops"),
    ]
    assert ground.content("users", "blue")["exec"]["args"][:4] == ["--cluster", "blue", "--region", "eu-central-1"]
    assert stat.S_IMODE(ground.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(ground.path.parent.stat().st_mode) == 0o700


def test_a_second_run_reads_and_leaves_the_file(ground: Ground, aws: AwsServer) -> None:
    ground.run()
    before = (ground.path.read_bytes(), ground.path.stat().st_ino, ground.path.stat().st_mtime_ns)
    again = ground.run()
    assert not again["changed"], again
    assert again["diff"]["before"] == again["diff"]["after"]
    assert (ground.path.read_bytes(), ground.path.stat().st_ino, ground.path.stat().st_mtime_ns) == before
    assert counted(aws) == {"eks:DescribeCluster": 2}
    assert ground.files() == ["config"]


def test_check_mode_foretells_and_writes_nothing(ground: Ground) -> None:
    foretold = ground.run(check=True)
    assert not ground.path.parent.exists()
    assert ground.run() == foretold
    ground.write(OTHERS)
    foretold = ground.run(check=True)
    assert ground.path.read_text() == OTHERS
    assert ground.files() == ["config"]
    done = ground.run()
    del done["backup_file"]
    assert done == foretold


def test_others_secrets_stay_in_the_file_and_out_of_the_result(ground: Ground) -> None:
    ground.write(OTHERS)
    result = ground.run(current_context=STABLE)
    assert "t0ps3cret" in ground.path.read_text()
    assert "t0ps3cret" not in json.dumps(result)
    assert result["current_context"] == STABLE
    backup = Path(result["backup_file"])
    assert backup.read_text() == OTHERS
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    assert len(ground.files()) == 2


def test_without_a_backup_there_is_one_file(ground: Ground) -> None:
    ground.write(OTHERS)
    assert "backup_file" not in ground.run(backup=False)
    assert ground.files() == ["config"]


def test_rights_of_others_are_taken_away(ground: Ground) -> None:
    ground.run()
    ground.path.chmod(0o644)
    foretold = ground.run(check=True)
    assert stat.S_IMODE(ground.path.stat().st_mode) == 0o644
    result = ground.run()
    assert result["changed"]
    assert (result["diff"]["before"]["mode"], result["diff"]["after"]["mode"]) == ("0644", "0600")
    assert result == foretold
    assert stat.S_IMODE(ground.path.stat().st_mode) == 0o600
    assert not ground.run()["changed"]


def test_a_link_stays_a_link(ground: Ground, tmp_path: Path) -> None:
    ground.write("")
    ground.path.rename(tmp_path / "dotfile")
    ground.path.symlink_to(tmp_path / "dotfile")
    assert ground.run()["kubeconfig"] == str(tmp_path / "dotfile")
    assert ground.path.is_symlink()
    assert ground.content("contexts", "blue")["user"] == "blue"


def test_a_suffix_makes_room_for_several_roles(ground: Ground) -> None:
    ground.run()
    result = ground.run(context_suffix="-admin", exec_role_arn="arn:aws:iam::123456789012:role/admin")
    assert [item["name"] for item in result["contexts"]] == ["blue-admin", "green-admin", f"{STABLE}-admin"]
    assert not ground.run()["changed"]


def test_a_cluster_that_is_made_anew_changes_its_context(ground: Ground, aws: AwsServer) -> None:
    ground.run()
    aws.cluster("green", ca_data=base64.b64encode(pem("newer").encode()).decode())
    result = ground.run()
    states = {item["name"]: item["state"] for item in result["contexts"]}
    assert states == {"blue": "unchanged", "green": "changed", STABLE: "changed"}
    assert "SHA256" in str(result["diff"]["after"]["green"])


def test_absent_asks_nobody_and_takes_ours_away(ground: Ground, aws: AwsServer) -> None:
    ground.write(OTHERS)
    ground.run()
    result = ground.run(state="absent", exec_command=None)
    assert result["changed"], result
    assert counted(aws) == {}
    assert yaml.safe_load(ground.path.read_text())["clusters"] == []
    assert "t0ps3cret" in ground.path.read_text()
    assert not ground.run(state="absent")["changed"]


def test_clusters_are_read_side_by_side(ground: Ground, aws: AwsServer) -> None:
    assert run_held(aws, lambda: ground.run(check=True), 2, "DescribeCluster")["changed"]


def test_a_cluster_of_another_account_is_read_by_its_role(ground: Ground, aws: AwsServer) -> None:
    """Each connection is opened once, however many clusters are read by it."""
    account = aws.account("222222222222")
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}}
    iam = aws.client("iam", None, account)
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = iam.create_role(RoleName="reader", AssumeRolePolicyDocument=document)["Role"]["Arn"]
    for name in ("red", "yellow"):
        make_cluster(aws, name, credentials=account)
        ca_data = base64.b64encode(pem(name).encode()).decode()
        aws.cluster(name, account="222222222222", endpoint=f"https://{name}.eks.amazonaws.com", ca_data=ca_data)
    clusters = [{"name": name, "assume_role_arn": role} for name in ("red", "yellow")]
    result = ground.run(clusters=[*CLUSTERS, *clusters])
    assert result["changed"], result
    assert counted(aws) == {"eks:DescribeCluster": 4, "sts:AssumeRole": 1}
    assert ground.content("clusters", "red")["server"] == "https://red.eks.amazonaws.com"


def test_all_clusters_that_cannot_be_had_are_named_and_nothing_is_written(ground: Ground, aws: AwsServer) -> None:
    aws.cluster("green", status="CREATING")
    refused = ground.run(clusters=[*CLUSTERS, {"name": "nowhere"}])
    assert refused["failed"]
    assert "'green' is CREATING" in refused["msg"]
    assert "There is no EKS cluster 'nowhere'" in refused["msg"]
    assert not ground.path.exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"clusters": [{"name": "blue"}, {"name": "blue", "region": "us-east-1"}]}, "would have one context: blue"),
        ({"clusters": [{"name": "blue", "stable_name": "a b"}]}, "stable_name of cluster blue has 'a b'"),
        ({"clusters": [{"name": "not a name"}]}, "not an EKS cluster name"),
        ({"exec_command": []}, "exec_command is empty"),
        ({"exec_role_arn": "admin"}, "exec_role_arn"),
        ({"exec_session_name": "x"}, "is not the name of a role's session"),
        ({"exec_session_name": "alice"}, "belong to exec_role_arn"),
        ({"current_context": "nowhere"}, "no context of"),
    ],
)
def test_what_is_wrong_is_told_before_anything_is_written(
    ground: Ground, options: dict[str, Any], message: str
) -> None:
    refused = ground.run(**options)
    assert refused["failed"]
    assert message in refused["msg"]
    assert not ground.path.exists()


def test_a_file_that_somebody_changes_meanwhile_is_merged_again(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    ground.write(OTHERS)
    real = _kubeconfig_file.write
    turns: list[str] = []

    def write(found: Any, text: str, backup: bool) -> str:
        if not turns:
            ground.write(OTHERS.replace("t0ps3cret", "newer"))
        turns.append(text)
        return real(found, text, backup)

    monkeypatch.setattr(_kubeconfig_file, "write", write)
    assert ground.run()["changed"]
    assert len(turns) == 2
    assert "newer" in ground.path.read_text()
    assert len(ground.files()) == 2


def test_a_file_that_never_rests_is_left_as_it_is(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    real = _kubeconfig_file.read
    turns: list[str] = []

    def read(path: str) -> Any:
        turns.append(path)
        ground.write(f"# {len(turns)}\n{OTHERS}")
        return real(path)

    monkeypatch.setattr(_kubeconfig_file, "read", read)
    refused = ground.run()
    assert "was changed by somebody else" in refused["msg"]
    assert len(turns) == 2 * _kubeconfig.ATTEMPTS
    assert ground.files() == ["config"]


@pytest.mark.parametrize("step", ["replace", "fsync"])
def test_a_write_that_fails_leaves_all_as_it_was(ground: Ground, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    ground.write(OTHERS)

    def full(*_unused: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, step, full)
    refused = ground.run(backup=False)
    assert "cannot be written: No space left on device. It is as it was" in refused["msg"]
    assert ground.path.read_text() == OTHERS
    assert ground.files() == ["config"]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: path.mkdir(parents=True), "cannot be read: Is a directory"),
        (lambda path: (path.parent.mkdir(), path.write_bytes(b"\xff")), "no text in UTF-8"),
        (lambda path: (path.parent.mkdir(), path.write_text("kind: Pod")), "is no kubeconfig"),
        (lambda path: path.parent.write_text(""), "cannot be read: Not a directory"),
    ],
)
def test_files_that_are_none_of_ours_stay(ground: Ground, make: Any, message: str) -> None:
    make(ground.path)
    assert message in ground.run()["msg"]
