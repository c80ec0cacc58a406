# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""SQS queues: attributes, encryption, tags, and names that were just deleted.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html (ranges; one kind of
server-side encryption; 60 seconds before a name may be used again),
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html,
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-queues.html (tags)
"""

from __future__ import annotations

import re
import time
import unicodedata
from typing import Any
from urllib.parse import urlsplit

from moto.sqs.models import sqs_backends

from sandbox.aws.answers import Answer, Refusal
from sandbox.aws.hooks import check, correct, operation
from sandbox.aws.request import AwsRequest
from sandbox.aws.state import State
from sandbox.aws.strict.sqs_policy import refuse_policy

RANGES = {
    "DelaySeconds": (0, 900),
    "KmsDataKeyReusePeriodSeconds": (60, 86_400),
    "MaximumMessageSize": (1024, 1_048_576),
    "MessageRetentionPeriod": (60, 1_209_600),
    "ReceiveMessageWaitTimeSeconds": (0, 20),
    "VisibilityTimeout": (0, 43_200),
}
BOOLEANS = frozenset({"ContentBasedDeduplication", "FifoQueue", "SqsManagedSseEnabled"})
TEXTS = frozenset(
    {"DeduplicationScope", "FifoThroughputLimit", "KmsMasterKeyId", "Policy", "RedriveAllowPolicy", "RedrivePolicy"}
)
TAGS = 50
TAG_SIGNS = frozenset("_.:/=+-@")

DELETED_RECENTLY = Refusal(
    "AWS.SimpleQueueService.QueueDeletedRecently",
    "You must wait 60 seconds after deleting a queue before you can create another with the same name.",
)
ONE_ENCRYPTION = Refusal(
    "InvalidAttributeName",
    "You can use one type of server-side encryption (SSE) at one time. You can either enable KMS SSE or SQS SSE.",
)


def _name(request: AwsRequest) -> str:
    parameters = request.parameters
    return str(parameters.get("QueueName") or urlsplit(str(parameters.get("QueueUrl", ""))).path.rpartition("/")[2])


def _queue(request: AwsRequest) -> Any:
    """Return moto's queue or None."""
    return sqs_backends[request.caller.account][request.region].queues.get(_name(request))


def _invalid(attribute: str) -> Refusal:
    return Refusal("InvalidAttributeValue", f"Invalid value for the parameter {attribute}.")


@check("sqs", "CreateQueue", "SetQueueAttributes")
def attributes(request: AwsRequest, state: State) -> None:
    """Refuse attributes that AWS refuses."""
    given = {str(name): str(value) for name, value in (request.parameters.get("Attributes") or {}).items()}
    for name, value in given.items():
        if name in RANGES:
            low, high = RANGES[name]
            if not re.fullmatch(r"[0-9]{1,9}", value) or not low <= int(value) <= high:
                raise _invalid(name)
        elif name in BOOLEANS:
            if value not in ("true", "false"):
                raise _invalid(name)
        elif name not in TEXTS:
            raise Refusal("InvalidAttributeName", f"Unknown Attribute {name}.")
    if given.get("KmsMasterKeyId") and given.get("SqsManagedSseEnabled") == "true":
        raise ONE_ENCRYPTION
    if given.get("Policy"):
        refuse_policy(given["Policy"])


@operation("sqs", "SetQueueAttributes")
def set_queue_attributes(request: AwsRequest, state: State) -> dict[str, Any]:
    """Set the attributes that are given; moto takes the policy away where none is given."""
    queue = _queue(request)
    if queue is None:
        raise Refusal("AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist.")
    given = dict(request.parameters.get("Attributes") or {})
    queue._set_attributes({"Policy": queue.policy, **given})
    _encrypt_once(queue, given)
    return {}


@correct("sqs", "CreateQueue")
def created(request: AwsRequest, state: State, answer: Answer) -> Answer:
    """Let one kind of encryption switch the other off."""
    _encrypt_once(_queue(request), request.parameters.get("Attributes") or {})
    return answer


def _encrypt_once(queue: Any, given: dict[str, Any]) -> None:
    """Let what was given last win. moto compares attributes as they were stored, so they keep their forms."""
    if given.get("KmsMasterKeyId"):
        queue.sqs_managed_sse_enabled = "false"
    elif given.get("SqsManagedSseEnabled") == "true":
        queue.kms_master_key_id = None


@check("sqs", "CreateQueue")
def name_is_free(request: AwsRequest, state: State) -> None:
    """Refuse the name of a queue that was deleted less than a minute ago."""
    deleted = state.deleted_queues.get((request.caller.account, request.region, _name(request)))
    if deleted is not None and time.monotonic() - deleted < state.settings.queue_name_blocked_seconds:
        raise DELETED_RECENTLY


@correct("sqs", "DeleteQueue")
def deleted(request: AwsRequest, state: State, answer: Answer) -> Answer:
    """Note when a queue was deleted."""
    state.deleted_queues[request.caller.account, request.region, _name(request)] = time.monotonic()
    return answer


@check("sqs", "CreateQueue", "TagQueue")
def tags(request: AwsRequest, state: State) -> None:
    """Refuse tags that AWS refuses; it advises against more than 50, which we refuse too."""
    given = request.parameters.get("tags") or request.parameters.get("Tags") or {}
    for key, value in given.items():
        problem = _tag_problem(str(key), str(value or ""))
        if problem:
            raise Refusal("InvalidParameterValue", problem)
    queue = _queue(request)
    if len({*given, *(queue.tags if queue else {})}) > TAGS:
        raise Refusal("InvalidParameterValue", f"Too many tags added for queue {_name(request)}.")


def _tag_problem(key: str, value: str) -> str:
    problem = ""
    if not 1 <= len(key) <= 128:
        problem = "Tag keys must be between 1 and 128 characters in length."
    elif not 1 <= len(value) <= 256:
        problem = "Tag values must be between 1 and 256 characters in length."
    elif key.lower().startswith("aws:") or value.lower().startswith("aws:"):
        problem = "Tag keys and values must not start with the reserved prefix 'aws:'."
    elif any(sign not in TAG_SIGNS and unicodedata.category(sign)[0] not in "LZN" for sign in key + value):
        problem = f"Tag {key!r} can only include letters, digits, white space and _ . : / = + - @."
    return problem
