# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tags of IAM entities.

https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html ("Rules for tagging"): 50 tags, keys of 128 and values of
256 characters, keys unique whatever their case, no key with the prefix aws: in any case.
"""

from __future__ import annotations

from typing import Any

from moto.iam.models import iam_backends

from sandbox.aws.answers import Answer, Refusal
from sandbox.aws.hooks import check, correct
from sandbox.aws.request import AwsRequest
from sandbox.aws.state import State
from sandbox.aws.strict.iam_quotas import invalid, role_named

QUOTA = 50
CREATES = ("CreateRole", "CreatePolicy", "CreateOpenIDConnectProvider", "CreateInstanceProfile")
TAGS = ("TagRole", "TagPolicy", "TagOpenIDConnectProvider", "TagInstanceProfile")
UNTAGS = ("UntagRole", "UntagPolicy", "UntagOpenIDConnectProvider", "UntagInstanceProfile")


def _present(request: AwsRequest) -> set[str]:
    """Return the lower-case keys of the tags that an entity has."""
    parameters = request.parameters
    backend = iam_backends[request.caller.account][request.caller.partition]
    if "RoleName" in parameters:
        role = role_named(request, str(parameters["RoleName"]))
        return {tag["Key"].lower() for tag in role.tags} if role is not None else set()
    entity: Any = None
    if "OpenIDConnectProviderArn" in parameters:
        entity = backend.open_id_providers.get(str(parameters["OpenIDConnectProviderArn"]))
    elif "PolicyArn" in parameters:
        entity = backend.managed_policies.get(str(parameters["PolicyArn"]))
    return {key.lower() for key in entity.tags} if entity is not None else set()


@check("iam", *CREATES, *TAGS)
def tags(request: AwsRequest, state: State) -> None:
    """Refuse tags that AWS refuses."""
    wanted: dict[str, str] = {}
    for position, tag in enumerate(request.parameters.get("Tags") or [], start=1):
        key, value = str(tag.get("Key", "")), str(tag.get("Value", ""))
        if len(key) > 128 or not key:
            raise invalid(key, f"tags.{position}.member.key", "Member must have length less than or equal to 128")
        if len(value) > 256:
            raise invalid(value, f"tags.{position}.member.value", "Member must have length less than or equal to 256")
        if key.lower().startswith("aws:"):
            raise Refusal("InvalidInput", f"Tag keys with the prefix aws: are reserved: {key}")
        if key.lower() in wanted:
            raise Refusal("InvalidInput", "Duplicate tag keys found. Please note that Tag keys are case insensitive.")
        wanted[key.lower()] = value
    if len(wanted) > QUOTA:
        raise invalid(len(wanted), "tags", f"Member must have length less than or equal to {QUOTA}")
    if request.operation in TAGS and len(_present(request) | set(wanted)) > QUOTA:
        raise Refusal("LimitExceeded", f"The number of tags has reached the maximum limit: {QUOTA}", 409)


@check("iam", *UNTAGS)
def untag(request: AwsRequest, state: State) -> None:
    """Refuse to remove tags of AWS's own."""
    for key in request.parameters.get("TagKeys") or []:
        if str(key).lower().startswith("aws:"):
            raise Refusal("InvalidInput", f"Tag keys with the prefix aws: are reserved: {key}")


@correct("iam", "TagRole")
def replace_whatever_case(request: AwsRequest, state: State, answer: Answer) -> Answer:
    """Let a tag replace the one whose key differs in case only; moto keeps both."""
    role = role_named(request, str(request.parameters["RoleName"]))
    role.tags = list({tag["Key"].lower(): tag for tag in role.tags}.values())
    return answer


@correct("iam", "UntagRole")
def remove_whatever_case(request: AwsRequest, state: State, answer: Answer) -> Answer:
    """Remove tags whose keys differ in case only."""
    keys = {str(key).lower() for key in request.parameters.get("TagKeys") or []}
    role = role_named(request, str(request.parameters["RoleName"]))
    role.tags = [tag for tag in role.tags if tag["Key"].lower() not in keys]
    return answer
