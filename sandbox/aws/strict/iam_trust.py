# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Trust policies of IAM roles: size, syntax and principals.

Size: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html ("Role trust policy length", 2,048
characters, up to 4,096 on request; "IAM does not count white space").
Principals: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html (the ARN of a
role or user is saved as its unique id, so it must exist, and shows as that id once the principal is deleted; saving a
policy with such an id is refused) and
https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_roles.html. An OIDC provider need not exist: only the
form of a federated principal is checked.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from moto.iam.models import iam_backends
from moto.iam.policy_validation import IAMTrustPolicyDocumentValidator

from sandbox.aws.answers import Answer, Refusal
from sandbox.aws.callers import Caller
from sandbox.aws.hooks import check, correct
from sandbox.aws.request import AwsRequest
from sandbox.aws.state import State

DOCUMENTS = {"CreateRole": "AssumeRolePolicyDocument", "UpdateAssumeRolePolicy": "PolicyDocument"}
POLICY_KEYS = frozenset({"Version", "Id", "Statement"})
STATEMENT_KEYS = frozenset({"Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Condition"})
PRINCIPAL_KEYS = frozenset({"AWS", "Federated", "Service", "CanonicalUser"})
WEB_IDENTITY_DOMAINS = frozenset(
    {"accounts.google.com", "cognito-identity.amazonaws.com", "graph.facebook.com", "www.amazon.com"}
)
_PROVIDER = re.compile(r"arn:(aws[\w-]*):iam::\d{12}:(oidc|saml)-provider/\S+")
_ENTITY = re.compile(r"arn:(aws[\w-]*):iam::(\d{12}):(role|user)/(?:.*/)?([\w+=,.@-]+)")
_ROOT = re.compile(r"(?:arn:(aws[\w-]*):iam::)?\d{12}(?::root)?")
_SESSION = re.compile(r"arn:(aws[\w-]*):sts::\d{12}:(assumed-role|federated-user)/\S+")
_SERVICE = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)*\.amazonaws\.com(\.cn)?|[a-z0-9-]+(\.[a-z0-9-]+)*\.aws\.internal")


# moto wants 2012-10-17 here. IAM takes both versions of a trust policy, and none: parse_policy has judged it by then.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_version.html
setattr(IAMTrustPolicyDocumentValidator, "_validate_version", lambda _validator: None)  # noqa: B010


def malformed(message: str) -> Refusal:
    """Return the refusal of a policy."""
    return Refusal("MalformedPolicyDocument", message)


def size_of(document: str) -> int:
    """Count the characters of a policy as IAM does: white space is free."""
    return len("".join(document.split()))


def as_list(value: Any) -> list[Any]:
    """Return a policy element that may be one or many as a list."""
    return value if isinstance(value, list) else [value]


def parse_policy(document: str) -> list[dict[str, Any]]:
    """Return the statements of a trust policy; refuse what IAM's grammar does not know.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
    """
    try:
        policy = json.loads(document)
    except ValueError as cause:
        raise malformed("This policy contains invalid Json") from cause
    if not isinstance(policy, dict) or not set(policy) <= POLICY_KEYS or "Statement" not in policy:
        raise malformed("Syntax errors in policy.")
    if policy.get("Version", "2008-10-17") not in ("2008-10-17", "2012-10-17"):
        raise malformed("The policy must contain a valid version string")
    statements = as_list(policy["Statement"])
    for statement in statements:
        _check_statement(statement)
    return statements


def _check_statement(statement: Any) -> None:
    if not isinstance(statement, dict):
        raise malformed("Syntax errors in policy.")
    for prohibited in ("Resource", "NotResource"):
        if prohibited in statement:
            raise malformed("Has prohibited field Resource")
    if not set(statement) <= STATEMENT_KEYS or statement.get("Effect") not in ("Allow", "Deny"):
        raise malformed("Syntax errors in policy.")
    if not {"Principal", "NotPrincipal"} & set(statement):
        raise malformed("AssumeRole policy must contain principals")
    actions = as_list(statement.get("Action", statement.get("NotAction", [])))
    if not actions or not all(isinstance(action, str) and action.lower().startswith("sts:") for action in actions):
        raise malformed("AssumeRole policy may only specify STS AssumeRole actions.")


def principals(statements: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    """Yield (type, value) of every principal."""
    for statement in statements:
        principal = statement.get("Principal", statement.get("NotPrincipal"))
        if principal == "*":
            yield "AWS", "*"
            continue
        if not isinstance(principal, dict) or not principal or not set(principal) <= PRINCIPAL_KEYS:
            raise malformed("Syntax errors in policy.")
        for kind, values in principal.items():
            for value in as_list(values):
                yield kind, str(value)


def check_principal(kind: str, value: str, caller: Caller) -> None:
    """Refuse a principal that does not exist or that IAM cannot read."""
    if kind == "Federated":
        match = _PROVIDER.fullmatch(value)
        if not (match and match[1] == caller.partition) and value not in WEB_IDENTITY_DOMAINS:
            raise malformed("Federated principals must be valid domain names or SAML metadata ARNs")
    elif kind == "Service":
        if not _SERVICE.fullmatch(value):
            raise malformed(f'Invalid principal in policy: "SERVICE":"{value}"')
    elif kind == "AWS" and not _known(value, caller):
        raise malformed(f'Invalid principal in policy: "AWS":"{value}"')


def _known(value: str, caller: Caller) -> bool:
    if value == "*":
        return True
    for pattern in (_ROOT, _SESSION):
        match = pattern.fullmatch(value)
        if match:
            return match[1] in (None, caller.partition)
    match = _ENTITY.fullmatch(value)
    if match is None or match[1] != caller.partition:
        return False
    backend = iam_backends[match[2]][match[1]]
    entities = backend.roles if match[3] == "role" else backend.users
    return any(entity.arn == value for entity in entities.values())


@check("iam", *DOCUMENTS)
def trust_policy(request: AwsRequest, state: State) -> None:
    """Refuse a trust policy that is malformed, too long, or names a principal that is not there."""
    document = str(request.parameters.get(DOCUMENTS[request.operation], ""))
    for kind, value in principals(parse_policy(document)):
        check_principal(kind, value, request.caller)
    quota = state.settings.trust_policy_size
    if size_of(document) > quota:
        raise Refusal("LimitExceeded", f"Cannot exceed quota for ACLSizePerRole: {quota}", 409)


@check("iam", "DeleteRole", "DeleteUser")
def remember_id(request: AwsRequest, state: State) -> None:
    """Note the unique id of what is deleted, for the policies that name it."""
    kind = "role" if request.operation == "DeleteRole" else "user"
    backend = iam_backends[request.caller.account][request.caller.partition]
    name = request.parameters.get("RoleName", request.parameters.get("UserName"))
    state.deleted_principals.clear()
    for entity in (backend.roles if kind == "role" else backend.users).values():
        if entity.name == name:
            state.deleted_principals[entity.arn] = entity.id


@correct("iam", "DeleteRole", "DeleteUser")
def show_id(request: AwsRequest, state: State, answer: Answer) -> Answer:
    """Show a deleted principal by its id in all trust policies; making it anew does not bring its ARN back."""
    for arn, identifier in state.deleted_principals.items():
        for account in list(iam_backends.values()):
            for role in account[request.caller.partition].roles.values():
                role.assume_role_policy_document = replace_principal(role.assume_role_policy_document, arn, identifier)
    state.deleted_principals.clear()
    return answer


def replace_principal(document: str, arn: str, identifier: str) -> str:
    """Return a trust policy with one AWS principal replaced."""
    if arn not in document:
        return document
    policy = json.loads(document)
    for statement in as_list(policy.get("Statement", [])):
        principal = statement.get("Principal")
        if isinstance(principal, dict) and "AWS" in principal:
            values = [identifier if value == arn else value for value in as_list(principal["AWS"])]
            principal["AWS"] = values if isinstance(principal["AWS"], list) else values[0]
    return json.dumps(policy)
