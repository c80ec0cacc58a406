# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Options of subnet_tags: their spec, and the checks that a spec cannot express."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils._adapter import aws_options, cluster_options
from ansible_collections.ekspress.eks.plugins.module_utils._cluster import check_name
from ansible_collections.ekspress.eks.plugins.module_utils._ec2_tags import KEY_LENGTH, VALUE_LENGTH
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError
from ansible_collections.ekspress.eks.plugins.module_utils._subnet_model import (
    AVAILABILITY_ZONE,
    CLUSTER_TAG_VALUES,
    REFUSING_PREFIX,
    ROLE_TAGS,
    ZONE_TYPES,
)
from ansible_collections.ekspress.eks.plugins.module_utils._subnet_tags_plan import Desired

SUBNET_ID = re.compile(r"subnet-(?:[0-9a-f]{8}|[0-9a-f]{17})")
VPC_ID = re.compile(r"vpc-(?:[0-9a-f]{8}|[0-9a-f]{17})")
"""https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/resource-ids.html"""

CONSTRAINTS: dict[str, Any] = {
    "mutually_exclusive": [
        ("subnet_ids", "filters", "public_subnet_ids"),
        ("subnet_ids", "filters", "private_subnet_ids"),
    ]
}


def argument_spec() -> dict[str, Any]:
    """The options of the module."""
    return {
        **aws_options(),
        **cluster_options(),
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "vpc_id": {"type": "str"},
        "subnet_ids": {"type": "list", "elements": "str"},
        "filters": {"type": "dict"},
        "public_subnet_ids": {"type": "list", "elements": "str"},
        "private_subnet_ids": {"type": "list", "elements": "str"},
        "zone_types": {
            "type": "list",
            "elements": "str",
            "choices": list(ZONE_TYPES),
            "default": [AVAILABILITY_ZONE],
        },
        "extra_tags": {"type": "dict", "default": {}},
        "cluster_tag": {"type": "str", "choices": ["auto", "always", "never"], "default": "auto"},
        "cluster_tag_value": {"type": "str", "choices": list(CLUSTER_TAG_VALUES), "default": "shared"},
        "role_tags": {"type": "bool", "default": False},
        "sweep": {"type": "list", "elements": "str", "default": []},
    }


@dataclass(frozen=True)
class Options:
    """The checked options, apart from how to reach AWS."""

    desired: Desired
    vpc_id: str
    subnet_ids: frozenset[str]
    """Subnets to choose among; empty for all."""
    filters: tuple[dict[str, Any], ...]
    """As DescribeSubnets takes them; empty for none."""
    roles: Mapping[str, str] | None
    """public or private by subnet id, where the operator says it; None where route tables decide."""
    zone_types: frozenset[str]


def checked(params: Mapping[str, Any]) -> Options:
    """Options from a task's parameters. Raises EksError for what AWS would refuse or what would surely surprise."""
    check_name(params["cluster"])
    sweep = frozenset(params["sweep"])
    for name in sorted(sweep):
        check_name(name)
    if params["cluster"] in sweep:
        raise EksError(
            f"sweep names the cluster {params['cluster']!r} itself; use state=absent to remove its tag. "
            "Nothing was changed."
        )
    if params["role_tags"] and params["state"] == "present":
        raise EksError("role_tags goes with state=absent only; with state=present role tags are always set.")
    vpc_id = params["vpc_id"] or ""
    if vpc_id and not VPC_ID.fullmatch(vpc_id):
        raise EksError(f"vpc_id {vpc_id!r} is not the id of a VPC, such as vpc-0123456789abcdef0.")
    return Options(
        desired=Desired(
            cluster=params["cluster"],
            present=params["state"] == "present",
            extra_tags=_tags(params["extra_tags"]),
            cluster_tag=params["cluster_tag"],
            cluster_tag_value=params["cluster_tag_value"],
            remove_role_tags=params["role_tags"],
            sweep=sweep,
        ),
        vpc_id=vpc_id,
        subnet_ids=_chosen(params),
        filters=_filters(params["filters"]),
        roles=_roles(params),
        zone_types=frozenset(params["zone_types"]),
    )


def _chosen(params: Mapping[str, Any]) -> frozenset[str]:
    roles = _roles(params)
    if roles is not None:
        return frozenset(roles)
    if params["subnet_ids"] is None:
        return frozenset()
    if not params["subnet_ids"]:
        raise EksError("subnet_ids is empty; leave it out to choose among all subnets of the cluster's VPC.")
    return _ids("subnet_ids", params["subnet_ids"])


def _roles(params: Mapping[str, Any]) -> dict[str, str] | None:
    if params["public_subnet_ids"] is None and params["private_subnet_ids"] is None:
        return None
    public = _ids("public_subnet_ids", params["public_subnet_ids"] or [])
    private = _ids("private_subnet_ids", params["private_subnet_ids"] or [])
    both = sorted(public & private)
    if both:
        raise EksError(
            f"{', '.join(both)}: named in public_subnet_ids and in private_subnet_ids; name each subnet once."
        )
    if not public | private:
        raise EksError(
            "public_subnet_ids and private_subnet_ids are empty; leave them out to tell subnets apart by route tables."
        )
    return {**dict.fromkeys(public, "public"), **dict.fromkeys(private, "private")}


def _ids(option: str, values: Iterable[str]) -> frozenset[str]:
    bad = sorted({value for value in values if not SUBNET_ID.fullmatch(value)})
    if bad:
        raise EksError(f"{option}: not subnet ids (such as subnet-0123456789abcdef0): {', '.join(map(repr, bad))}.")
    return frozenset(values)


def _tags(given: Mapping[str, Any]) -> dict[str, str]:
    tags = {}
    for key, value in given.items():
        name = str(key)
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise EksError(
                f"extra_tags: the value of {name!r} is a {type(value).__name__}; tag values are strings, so quote it."
            )
        tags[name] = str(value)
        if name.lower().startswith("aws:"):
            raise EksError(f"extra_tags: {name!r}: keys that start with aws: are reserved for AWS; choose another key.")
        if name in ROLE_TAGS.values() or name.startswith(REFUSING_PREFIX):
            raise EksError(
                f"extra_tags: {name!r} decides which subnets load balancers use and is set by the options of its own "
                "(cluster_tag, public_subnet_ids, private_subnet_ids); leave it out of extra_tags."
            )
        if not 1 <= len(name) <= KEY_LENGTH or len(tags[name]) > VALUE_LENGTH:
            raise EksError(
                f"extra_tags: {name!r}: a key has 1 to {KEY_LENGTH} characters, a value {VALUE_LENGTH} at most."
            )
    return tags


def _filters(given: Mapping[str, Any] | None) -> tuple[dict[str, Any], ...]:
    if given is None:
        return ()
    if not given:
        raise EksError("filters is empty; leave it out to choose among all subnets of the cluster's VPC.")
    if "vpc-id" in given:
        raise EksError("filters: vpc-id is always the cluster's VPC; leave it out.")
    return tuple({"Name": str(name), "Values": _filter_values(name, value)} for name, value in sorted(given.items()))


def _filter_values(name: str, value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    if not values or not all(isinstance(item, str | int | bool) for item in values):
        raise EksError(f"filters: {name!r} takes a string or a list of strings.")
    return [str(item).lower() if isinstance(item, bool) else str(item) for item in values]
