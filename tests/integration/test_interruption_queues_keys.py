# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""interruption_queues and KMS keys: those that EventBridge may use, and all others."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils._aws import Aws
from ansible_collections.ekspress.eks.plugins.module_utils._queue_key import STATEMENT
from ansible_collections.ekspress.eks.tests.integration.eks_clusters import ACCOUNT, counted, written
from ansible_collections.ekspress.eks.tests.integration.queues import attributes, converge, done, make_key, queue

from sandbox.aws.client import AwsServer

OTHER_ACCOUNT = "222222222222"
ALIAS = "alias/queues"
ALIAS_ARN = f"arn:aws:kms:eu-central-1:{ACCOUNT}:{ALIAS}"


def encryption(aws: AwsServer) -> tuple[str | None, str]:
    found = attributes(aws, "a")
    return found.get("KmsMasterKeyId"), found["SqsManagedSseEnabled"]


def test_a_key_that_eventbridge_may_use_is_read_once_and_any_spelling_of_it_is_the_same(aws: AwsServer) -> None:
    key = make_key(aws, STATEMENT)
    done(queue("a", "spot", kms_key=ALIAS), queue("b", kms_key=ALIAS))
    assert encryption(aws) == (ALIAS, "false")
    aws.clear_calls()
    assert not done(queue("a", "spot", kms_key=ALIAS), queue("b", kms_key=ALIAS))["changed"]
    assert (counted(aws)["kms:DescribeKey"], counted(aws)["kms:GetKeyPolicy"]) == (1, 1)
    assert not done(queue("a", "spot", kms_key=ALIAS_ARN))["changed"]
    # SQS has the alias now, of which another form of the key says nothing.
    assert done(queue("a", "spot", kms_key=key["Arn"]))["queues"][0]["changes"] == [
        f"queue: encryption by {key['Arn']}"
    ]
    assert not done(queue("a", "spot", kms_key=key["KeyId"]))["changed"]
    assert done(queue("a", "spot"))["queues"][0]["changes"] == ["queue: encryption by SSE-SQS"]
    assert encryption(aws) == (None, "true")
    assert not done(queue("a", "spot"))["changed"]


def test_a_key_that_eventbridge_may_not_use_is_refused_with_the_statement_to_add(aws: AwsServer) -> None:
    key = make_key(aws)
    aws.clear_calls()
    result = converge(queue("a", "spot", kms_key=ALIAS))
    assert result["failed"]
    assert "KMS key alias/queues does not let EventBridge encrypt for the queue" in result["msg"]
    assert "events.amazonaws.com kms:GenerateDataKey and kms:Decrypt" in result["msg"]
    assert json.dumps(STATEMENT) in result["msg"]
    assert "Nothing was changed" in result["msg"]
    assert written(aws) == []
    kms = aws.client("kms")
    policy = json.loads(kms.get_key_policy(KeyId=key["KeyId"], PolicyName="default")["Policy"])
    policy["Statement"].append(STATEMENT)
    kms.put_key_policy(KeyId=key["KeyId"], PolicyName="default", Policy=json.dumps(policy))
    assert done(queue("a", "spot", kms_key=ALIAS))["queues"][0]["state"] == "created"
    policy["Statement"].pop()
    kms.put_key_policy(KeyId=key["KeyId"], PolicyName="default", Policy=json.dumps(policy))
    assert "every event would be lost" in converge(queue("a", "spot", kms_key=ALIAS))["msg"]
    assert done(queue("a", kms_key=ALIAS, state="absent"))["changed"]


def test_a_condition_is_a_warning(aws: AwsServer) -> None:
    make_key(aws, {**STATEMENT, "Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}}})
    result = done(queue("a", "spot", kms_key=ALIAS))
    (warning,) = result["warnings"]
    assert "its policy allows kms:GenerateDataKey and kms:Decrypt under conditions" in warning
    assert json.dumps(STATEMENT) in warning


@pytest.mark.parametrize(
    ("operation", "alias", "reason"),
    [
        ("GetKeyPolicy", True, "its policy cannot be read"),
        ("GetKeyPolicy", False, "its policy cannot be read"),
        ("DescribeKey", True, "the alias cannot be looked up"),
    ],
)
def test_a_policy_that_may_not_be_read_is_a_warning(aws: AwsServer, operation: str, alias: bool, reason: str) -> None:
    key = make_key(aws)
    aws.fault(operation, "deny", times=None)
    wanted = queue("a", "spot", kms_key=ALIAS if alias else key["Arn"])
    result = done(wanted)
    (warning,) = result["warnings"]
    assert reason in warning
    assert f"kms:{operation}" in warning
    assert "is not known" in warning
    assert result["queues"][0]["state"] == "created"
    assert not done(wanted)["changed"]


def test_a_key_that_may_not_be_described_is_judged_by_its_policy(aws: AwsServer) -> None:
    key = make_key(aws, STATEMENT)
    kms = aws.client("kms")
    policy = json.loads(kms.get_key_policy(KeyId=key["KeyId"], PolicyName="default")["Policy"])
    policy["Statement"][-1]["Resource"] = key["Arn"]
    kms.put_key_policy(KeyId=key["KeyId"], PolicyName="default", Policy=json.dumps(policy))
    aws.fault("DescribeKey", "deny", times=None)
    assert "warnings" not in done(queue("a", kms_key=key["KeyId"]))
    make_key(aws, alias="alias/other")
    bad = next(item["TargetKeyId"] for item in kms.list_aliases()["Aliases"] if item["AliasName"] == "alias/other")
    assert "does not let EventBridge" in converge(queue("b", kms_key=bad))["msg"]


def test_keys_that_cannot_encrypt_a_queue(aws: AwsServer) -> None:
    kms = aws.client("kms")
    result = converge(queue("a", kms_key="alias/none"))
    assert "KMS key alias/none does not exist in eu-central-1" in result["msg"]
    key = make_key(aws, STATEMENT)
    kms.disable_key(KeyId=key["KeyId"])
    result = converge(queue("a", kms_key=ALIAS))
    assert "KMS key alias/queues cannot encrypt the queue: its state is Disabled" in result["msg"]
    signing = kms.create_key(KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["Arn"]
    assert "it is of the kind RSA_2048" in converge(queue("a", kms_key=signing))["msg"]
    assert "a key that AWS manages" in converge(queue("a", kms_key="alias/aws/sqs"))["msg"]
    assert "sqs:CreateQueue" not in counted(aws)


def test_a_key_that_aws_manages_is_known_by_its_id(aws: AwsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    key = make_key(aws)
    real = Aws.call

    def call(self: Aws, client: Any, operation: str, **arguments: Any) -> dict[str, Any]:
        answer = real(self, client, operation, **arguments)
        if operation == "describe_key":
            answer["KeyMetadata"]["KeyManager"] = "AWS"
        return answer

    monkeypatch.setattr(Aws, "call", call)
    result = converge(queue("a", kms_key=key["KeyId"]))
    assert "cannot encrypt the queue: AWS manages it: nobody can change its policy" in result["msg"]


def test_the_policy_of_another_accounts_key_cannot_be_read(aws: AwsServer) -> None:
    credentials = aws.account(OTHER_ACCOUNT)
    kms = aws.client("kms", credentials=credentials)
    arn = kms.create_key()["KeyMetadata"]["Arn"]
    assert OTHER_ACCOUNT in arn
    aws.clear_calls()
    aws.fault("DescribeKey", "deny", times=None)
    result = done(queue("a", kms_key=arn))
    (warning,) = result["warnings"]
    assert f"it is in account {OTHER_ACCOUNT}, and KMS shows a key's policy to its own account only" in warning
    assert "kms:GetKeyPolicy" not in counted(aws)
