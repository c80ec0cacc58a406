# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""AWS managed policies: there from the start in AWS; moto makes none, or all 1,400 of them in every account.

https://docs.aws.amazon.com/aws-managed-policy/latest/reference/about-managed-policy-reference.html
"""

from __future__ import annotations

import functools
import json
import re
from typing import Any

from moto.iam.aws_managed_policies import aws_managed_policies_data
from moto.iam.models import AWSManagedPolicy, iam_backends

from sandbox.aws.hooks import check
from sandbox.aws.request import AwsRequest
from sandbox.aws.state import State

_ARN = re.compile(r"arn:[^:]+:iam::aws:policy/(?:.*/)?([^/]+)")


@functools.cache
def _documents() -> dict[str, Any]:
    documents: dict[str, Any] = json.loads(aws_managed_policies_data)
    return documents


@check("iam", "AttachRolePolicy", "AttachUserPolicy", "AttachGroupPolicy")
@check("iam", "GetPolicy", "GetPolicyVersion", "ListPolicyVersions", "ListEntitiesForPolicy")
@check("iam", "PutRolePermissionsBoundary", "CreateRole")
def exists(request: AwsRequest, state: State) -> None:
    """Put an AWS managed policy into the account when somebody first names it."""
    arn = str(request.parameters.get("PolicyArn") or request.parameters.get("PermissionsBoundary") or "")
    match = _ARN.fullmatch(arn)
    backend = iam_backends[request.caller.account][request.caller.partition]
    if match is None or arn in backend.managed_policies:
        return
    data = _documents().get(match[1])
    if data is None:
        return
    policy = AWSManagedPolicy.from_data(match[1], request.caller.account, request.region, data)
    if policy.arn == arn:
        backend.managed_policies[arn] = policy
        backend.aws_managed_policies.append(policy)
