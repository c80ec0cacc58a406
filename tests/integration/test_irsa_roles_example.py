# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The example playbook that gives Vault its KMS key: run twice as a user does."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.ekspress.eks.tests.integration.eks_clusters import ACCOUNT, make_cluster, written
from ansible_collections.ekspress.eks.tests.integration.iam_roles import documents, named, trust_of

from sandbox.aws.client import AwsServer
from tests.e2e.playbook import Run, inventory, run

PLAYBOOK = "playbooks/examples/vault_kms_unseal.yml"
KEY = f"arn:aws:kms:eu-central-1:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
CLUSTERS = ("vault-blue", "vault-green")


def run_example(aws: AwsServer, directory: Path, *arguments: str) -> Run:
    hosts = inventory(directory, *CLUSTERS)
    return run(aws.environment, hosts, *arguments, playbook=PLAYBOOK, HOME=str(directory))


def test_vault_may_use_its_key_and_nothing_else(aws: AwsServer, tmp_path: Path) -> None:
    issuers = {name: make_cluster(aws, name)["identity"]["oidc"]["issuer"] for name in CLUSTERS}
    arguments = ("-e", f"vault_kms_key_arn={KEY}")
    done = run_example(aws, tmp_path, *arguments)
    assert done.code == 0, done.output
    for cluster, issuer in issuers.items():
        role = f"{cluster}-vault-unseal"
        host_path = issuer.removeprefix("https://")
        (statement,) = trust_of(aws, role)["Statement"]
        assert statement["Principal"] == {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{host_path}"}
        assert statement["Action"] == "sts:AssumeRoleWithWebIdentity"
        assert statement["Condition"] == {
            "StringEquals": {
                f"{host_path}:aud": "sts.amazonaws.com",
                f"{host_path}:sub": "system:serviceaccount:vault:vault",
            }
        }
        actions = ["kms:Encrypt", "kms:Decrypt", "kms:DescribeKey"]
        assert documents(aws, role) == {
            "unseal": {
                "Version": "2012-10-17",
                "Statement": [{"Effect": "Allow", "Action": actions, "Resource": KEY}],
            }
        }
        assert named(aws, role)["attached"] == set()
        shown = next(task for task in done.tasks if task.host == cluster and task.name.startswith("Show"))
        assert shown.result["msg"]["annotation"] == f"eks.amazonaws.com/role-arn: arn:aws:iam::{ACCOUNT}:role/{role}"
    aws.clear_calls()
    again = run_example(aws, tmp_path, *arguments)
    assert again.code == 0, again.output
    assert [again.changed(cluster) for cluster in CLUSTERS] == [[], []]
    assert written(aws) == []


def test_an_alias_is_refused_before_anything_is_written(aws: AwsServer, tmp_path: Path) -> None:
    for name in CLUSTERS:
        make_cluster(aws, name)
    refused = run_example(aws, tmp_path, "-e", f"vault_kms_key_arn=arn:aws:kms:eu-central-1:{ACCOUNT}:alias/vault")
    assert refused.code != 0
    assert "Give the ARN of the key, not of an alias" in refused.failure(CLUSTERS[0])
    assert written(aws) == []
