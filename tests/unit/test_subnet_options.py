# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Options of subnet_tags that are refused before AWS is asked, with a message that says what to do."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError
from ansible_collections.ekspress.eks.plugins.module_utils._subnet_options import CONSTRAINTS, argument_spec, checked

ONE, TWO = "subnet-0123456789abcdef0", "subnet-0123456789abcdef1"


def params(**given: Any) -> dict[str, Any]:
    validated = ArgumentSpecValidator(argument_spec(), **CONSTRAINTS).validate({"cluster": "blue", **given})
    assert validated.error_messages == []
    return dict(validated.validated_parameters)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"cluster": "arn:aws:eks:eu-central-1:111122223333:cluster/blue"}, "Give the name, not the ARN"),
        ({"cluster": "blue; rm"}, "not an EKS cluster name"),
        ({"subnet_ids": []}, "subnet_ids is empty; leave it out"),
        (
            {"subnet_ids": ["subnet-1", ONE]},
            "subnet_ids: not subnet ids (such as subnet-0123456789abcdef0): 'subnet-1'",
        ),
        ({"filters": {}}, "filters is empty; leave it out"),
        ({"filters": {"vpc-id": "vpc-1"}}, "vpc-id is always the cluster's VPC"),
        ({"filters": {"tag:tier": []}}, "'tag:tier' takes a string or a list of strings"),
        ({"filters": {"tag:tier": {"a": 1}}}, "'tag:tier' takes a string or a list of strings"),
        ({"public_subnet_ids": [], "private_subnet_ids": []}, "are empty; leave them out"),
        ({"public_subnet_ids": [ONE, TWO], "private_subnet_ids": [ONE]}, f"{ONE}: named in public_subnet_ids and in"),
        ({"extra_tags": {"aws:x": "1"}}, "reserved for AWS"),
        ({"extra_tags": {"AWS:x": "1"}}, "reserved for AWS"),
        ({"extra_tags": {"kubernetes.io/role/elb": "1"}}, "leave it out of extra_tags"),
        ({"extra_tags": {"kubernetes.io/cluster/green": "shared"}}, "leave it out of extra_tags"),
        ({"extra_tags": {"team": True}}, "the value of 'team' is a bool; tag values are strings, so quote it"),
        ({"extra_tags": {"team": None}}, "the value of 'team' is a NoneType"),
        ({"extra_tags": {"team": ["a"]}}, "the value of 'team' is a list"),
        ({"extra_tags": {"k" * 128: "1"}}, "a key has 1 to 127 characters"),
        ({"extra_tags": {"": "1"}}, "a key has 1 to 127 characters"),
        ({"extra_tags": {"k": "v" * 257}}, "a value 256 at most"),
        ({"role_tags": True}, "role_tags goes with state=absent only"),
        ({"sweep": ["blue"]}, "use state=absent to remove its tag"),
        ({"sweep": ["not/a name"]}, "not an EKS cluster name"),
        ({"vpc_id": "vpc-1", "state": "absent"}, "is not the id of a VPC"),
    ],
)
def test_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(EksError) as caught:
        checked(params(**given))
    assert message in caught.value.message


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"subnet_ids": [ONE]}, {"filters": {"tag:a": "b"}}),
        ({"subnet_ids": [ONE]}, {"public_subnet_ids": [TWO]}),
        ({"subnet_ids": [ONE]}, {"private_subnet_ids": [TWO]}),
        ({"filters": {"tag:a": "b"}}, {"public_subnet_ids": [TWO]}),
        ({"filters": {"tag:a": "b"}}, {"private_subnet_ids": [TWO]}),
    ],
)
def test_ways_to_choose_exclude_each_other(one: dict[str, Any], other: dict[str, Any]) -> None:
    validated = ArgumentSpecValidator(argument_spec(), **CONSTRAINTS).validate({"cluster": "blue", **one, **other})
    assert "mutually exclusive" in "; ".join(validated.error_messages)


def test_public_and_private_lists_go_together() -> None:
    options = checked(params(public_subnet_ids=[ONE, ONE], private_subnet_ids=[TWO]))
    assert options.roles == {ONE: "public", TWO: "private"}
    assert options.subnet_ids == {ONE, TWO}


def test_filters_and_tags_become_what_ec2_takes() -> None:
    options = checked(
        params(
            filters={"tag:tier": ["edge", 2], "default-for-az": False}, extra_tags={"cost-centre": 4711, "share": 0.5}
        )
    )
    assert options.filters == (
        {"Name": "default-for-az", "Values": ["false"]},
        {"Name": "tag:tier", "Values": ["edge", "2"]},
    )
    assert options.desired.extra_tags == {"cost-centre": "4711", "share": "0.5"}


def test_defaults() -> None:
    options = checked(params())
    assert (options.roles, options.subnet_ids, options.filters, options.vpc_id) == (None, frozenset(), (), "")
    assert options.zone_types == {"availability-zone"}
    assert (options.desired.cluster_tag, options.desired.cluster_tag_value) == ("auto", "shared")
