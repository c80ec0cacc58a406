# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Queues and rules for tests: as they are asked for, as others have them, and as AWS has them."""

from __future__ import annotations

import json
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils._interruption_queues import LOGIC
from ansible_collections.ekspress.eks.tests.integration.eks_clusters import ACCOUNT
from ansible_collections.ekspress.eks.tests.support import run_logic

from sandbox.aws.client import AwsServer

SPOT: dict[str, Any] = {"source": ["aws.ec2"], "detail-type": ["EC2 Spot Instance Interruption Warning"]}
HEALTH: dict[str, Any] = {"source": ["aws.health"], "detail": {"service": ["EC2"]}}
LAMBDA = {"Id": "theirs", "Arn": f"arn:aws:lambda:eu-central-1:{ACCOUNT}:function:theirs"}
OURS = {"ekspress.eks/cluster": "blue"}
TARGET = "ekspress.eks"
ANALYSTS = {
    "Effect": "Allow",
    "Sid": "Analysts",
    "Principal": {"AWS": [f"arn:aws:iam::{ACCOUNT}:root"]},
    "Action": ["SQS:ReceiveMessage"],
    "Resource": "*",
}


def queue_arn(name: str) -> str:
    """The ARN of a queue."""
    return f"arn:aws:sqs:eu-central-1:{ACCOUNT}:{name}"


def rule_arn(name: str) -> str:
    """The ARN of a rule."""
    return f"arn:aws:events:eu-central-1:{ACCOUNT}:rule/{name}"


def rule(name: str, **more: Any) -> dict[str, Any]:
    """A rule as a task asks for it."""
    return {"name": name, "event_pattern": SPOT, **more}


def queue(name: str = "a", *rules: str, **more: Any) -> dict[str, Any]:
    """A queue as a task asks for it."""
    return {"name": name, "cluster": "blue", "rules": [rule(each) for each in rules], **more}


def converge(*queues: dict[str, Any], check: bool = False, **params: Any) -> dict[str, Any]:
    """Run the module."""
    return run_logic(LOGIC, {"queues": list(queues), **params}, check=check, diff=True)


def done(*queues: dict[str, Any], **params: Any) -> dict[str, Any]:
    """Run the module, which must not fail."""
    result = converge(*queues, **params)
    assert not result.get("failed"), result["msg"]
    return result


def policy_of(aws: AwsServer, name: str) -> dict[str, Any]:
    """The policy of a queue."""
    return dict(json.loads(attributes(aws, name)["Policy"]))


def set_policy(aws: AwsServer, name: str, policy: dict[str, Any]) -> None:
    """Give a queue a policy, as somebody else would."""
    sqs = aws.client("sqs")
    url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})


def add_statement(aws: AwsServer, name: str, statement: dict[str, Any]) -> None:
    """Put a statement at the head of a queue's policy, as somebody else would."""
    policy = policy_of(aws, name)
    set_policy(aws, name, {**policy, "Statement": [statement, *policy["Statement"]]})


def allowed(aws: AwsServer, name: str) -> list[str]:
    """ARNs of the rules that our statement lets send."""
    found = [item for item in policy_of(aws, name)["Statement"] if item.get("Sid") == "EkspressEksSendFromEventBridge"]
    return sorted(found[0]["Condition"]["ArnEquals"]["aws:SourceArn"]) if found else []


def attributes(aws: AwsServer, name: str) -> dict[str, str]:
    """The attributes of a queue."""
    sqs = aws.client("sqs")
    url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    found: dict[str, str] = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    return found


def queues_of(aws: AwsServer) -> list[str]:
    """Names of the queues that there are."""
    urls = aws.client("sqs").list_queues().get("QueueUrls", [])
    return sorted(url.rpartition("/")[2] for url in urls)


def rules_of(aws: AwsServer, prefix: str = "") -> dict[str, list[tuple[str, str]]]:
    """The rules that there are, each with its targets; those only whose names start with a text."""
    events = aws.client("events")
    listed = events.list_rules(NamePrefix=prefix) if prefix else events.list_rules()
    return {
        item["Name"]: sorted(
            (target["Id"], target["Arn"]) for target in events.list_targets_by_rule(Rule=item["Name"])["Targets"]
        )
        for item in listed["Rules"]
    }


def tags_of(aws: AwsServer, name: str) -> dict[str, str]:
    """The tags of a rule."""
    tags = aws.client("events").list_tags_for_resource(ResourceARN=rule_arn(name))["Tags"]
    return {tag["Key"]: tag["Value"] for tag in tags}


def make_rule(aws: AwsServer, name: str, *targets: dict[str, Any], tags: dict[str, str] | None = None) -> None:
    """Make a rule as somebody else would."""
    events = aws.client("events")
    listed = [{"Key": key, "Value": value} for key, value in (tags or {}).items()]
    events.put_rule(Name=name, EventPattern=json.dumps(SPOT), Tags=listed)
    if targets:
        events.put_targets(Rule=name, Targets=list(targets))


def make_key(aws: AwsServer, *statements: dict[str, Any], alias: str = "alias/queues") -> dict[str, Any]:
    """Make a KMS key with an alias, of which the key policy has these statements beside the account's; its metadata."""
    kms = aws.client("kms")
    root = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
        "Action": "kms:*",
        "Resource": "*",
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [root, *statements]})
    made: dict[str, Any] = kms.create_key(Policy=policy)["KeyMetadata"]
    kms.create_alias(AliasName=alias, TargetKeyId=made["KeyId"])
    return made
