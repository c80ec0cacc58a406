# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What is asked of roles, refused before any call where IAM would refuse it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError
from ansible_collections.ekspress.eks.plugins.module_utils._irsa_input import check_account, wanted_roles

STATEMENT = {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "*"}
POLICY = {"Version": "2012-10-17", "Statement": [STATEMENT]}


def policy_of(length: int) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [{**STATEMENT, "Resource": "arn:" + "x" * length}]}


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"name": ""}, "'' is not an IAM role: give its name"),
        ({"name": "a" * 65}, "1 to 64 letters"),
        ({"name": "platform/app"}, "its path and name, such as /platform/NAME, or its ARN"),
        ({"name": "/platform/"}, "'/platform/' is not an IAM role"),
        ({"name": "/" + "a" * 511 + "/app"}, "is not a path"),
        ({"name": "/platform/app", "path": "/"}, "path: it is '/', and '/platform/' in the name /platform/app"),
        (
            {"name": "arn:aws:iam::111122223333:user/ann"},
            "is an ARN of kind 'iam user'; needed is the ARN of an IAM role",
        ),
        ({"name": "arn:aws:sts::111122223333:assumed-role/app/x"}, "is an ARN of kind 'sts assumed-role'"),
        ({"name": "arn:aws:iam::111122223333:role/" + "a" * 65}, "invalid account, path or name"),
        ({"name": "arn:aws:iam:app"}, "is not an ARN: it has the form"),
        ({"name": "arn:aws-cn:iam::111122223333:role/app"}, "is in partition aws-cn, the region of the task in aws"),
        ({"name": "arn:aws:iam::111122223333:role/app", "path": "/x/"}, "and '/' in the name arn:aws:iam"),
        ({"path": "platform"}, "path: 'platform' is not a path"),
        ({"path": "/platform"}, "begins and ends with a slash"),
        ({"path": "/" + "a" * 511 + "/"}, "is not a path"),
        ({"service_accounts": []}, "the list is empty"),
        ({"service_accounts": ["app"]}, "service_accounts: 'app' is not NAMESPACE:NAME"),
        ({"service_accounts": ["ns:sa:x"]}, "'ns:sa:x' is not NAMESPACE:NAME"),
        ({"service_accounts": ["Default:app"]}, "'Default:app' is not"),
        ({"service_accounts": ["a" * 64 + ":app"]}, "is not NAMESPACE:NAME"),
        ({"service_accounts": ["a.b:app"]}, "is not NAMESPACE:NAME"),
        ({"service_accounts": ["default:-app"]}, "is not NAMESPACE:NAME"),
        ({"service_accounts": ["system:serviceaccount:default:app"]}, "is not NAMESPACE:NAME"),
        ({"policies": {"a b": POLICY}}, "policies.a b: 'a b' cannot name an inline policy"),
        ({"policies": {"a,b": POLICY}}, "the role's tags note"),
        ({"policies": {"a" * 109: POLICY}}, "1 to 108 letters"),
        ({"policies": {"x": "not json"}}, "IAM role 'app', policies.x is not JSON"),
        ({"policies": {"x": {"Statement": [STATEMENT]}}}, "policies.x has no Version"),
        ({"policies": {"x": policy_of(10_240)}}, "the quota is 10240"),
        ({"policies": {"x": policy_of(5_120), "y": policy_of(5_120)}}, "characters together"),
        ({"managed_policy_arns": ["ReadOnlyAccess"]}, "managed_policy_arns: 'ReadOnlyAccess' is not an ARN"),
        ({"managed_policy_arns": ["arn:aws:iam::aws:role/x"]}, "of kind 'iam role'"),
        ({"managed_policy_arns": ["arn:aws-cn:iam::aws:policy/x"]}, "is in partition aws-cn"),
        ({"managed_policy_arns": [f"arn:aws:iam::aws:policy/{'a' * 101}"]}, "at most"),
        (
            {"managed_policy_arns": ["arn:aws:iam::aws:policy/x", "arn:aws:iam::111122223333:policy/p/X"]},
            "arn:aws:iam::111122223333:policy/p/X, arn:aws:iam::aws:policy/x have one name",
        ),
        ({"permissions_boundary": "boundary"}, "permissions_boundary: 'boundary' is not an ARN"),
        ({"permissions_boundary": "arn:aws-us-gov:iam::aws:policy/x"}, "is in partition aws-us-gov"),
        ({"tags": {"aws:x": "1"}}, "are reserved"),
        ({"tags": {"Ekspress.eks/policy/x": "inline"}}, "are reserved"),
        ({"tags": {"a" * 129: "1"}}, "1 to 128"),
        ({"tags": {"a": "b" * 257}}, "at most 256"),
        ({"tags": {"a": "{{ x }}"}}, "tags.a"),
        ({"tags": {"Team": "a", "team": "b"}}, "differ in case only"),
        ({"tags": {"a": True}}, "tags.a: the value is True: quote it in YAML"),
        ({"tags": {"a": ["b"]}}, "tags.a: the value is ['b']"),
        ({"tags": {"a": "b\tc"}}, r"it holds '\t'"),
        ({"policies": {"List": POLICY, "list": POLICY}}, "'List' and 'list' differ in case only"),
        ({"max_session_duration": 3599}, "3599 is not from 3600 to 43200"),
        ({"max_session_duration": 43_201}, "43201 is not from 3600 to 43200"),
        ({"description": "x" * 1001}, "has 1001 characters"),
        ({"description": "\u2192"}, "Latin-1"),
    ],
)
def test_refused_naming_role_and_field(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(EksError) as error:
        wanted_roles([{"name": "app", **fields}], "aws")
    assert said in error.value.message
    assert "name" in fields or "IAM role 'app', " in error.value.message


def test_a_role_listed_twice_is_refused_whatever_its_case_or_path() -> None:
    for other in ({"name": "APP", "path": "/x/"}, {"name": "/x/APP"}, {"name": "arn:aws:iam::111122223333:role/x/APP"}):
        with pytest.raises(EksError, match="'APP' is listed twice"):
            wanted_roles([{"name": "app"}, other], "aws")


@pytest.mark.parametrize(
    ("given", "path", "account"),
    [
        ({"name": "app"}, None, None),
        ({"name": "app", "path": "/a/"}, "/a/", None),
        ({"name": "/app"}, "/", None),
        ({"name": "/a/b/app"}, "/a/b/", None),
        ({"name": "/a/app", "path": "/a/"}, "/a/", None),
        ({"name": "arn:aws:iam::111122223333:role/app"}, "/", "111122223333"),
        ({"name": "arn:aws:iam::111122223333:role/a/b/app", "path": "/a/b/"}, "/a/b/", "111122223333"),
    ],
)
def test_a_role_is_given_by_name_path_or_arn(given: dict[str, Any], path: str | None, account: str | None) -> None:
    (wanted,) = wanted_roles([given], "aws")
    assert (wanted.name, wanted.path, wanted.account) == ("app", path, account)


def test_a_role_of_another_account_is_refused_once_the_account_is_known() -> None:
    (wanted,) = wanted_roles([{"name": "arn:aws:iam::444455556666:role/app"}], "aws")
    check_account(wanted, "444455556666")
    with pytest.raises(EksError, match="'app', name: the ARN is of account 444455556666, the credentials of the task"):
        check_account(wanted, "111122223333")


def test_policies_of_another_account_are_refused_once_the_account_is_known() -> None:
    for field, value in (
        ("managed_policy_arns", ["arn:aws:iam::444455556666:policy/x"]),
        ("permissions_boundary", "arn:aws:iam::444455556666:policy/x"),
    ):
        (wanted,) = wanted_roles([{"name": "app", field: value}], "aws")
        check_account(wanted, "444455556666")
        with pytest.raises(EksError, match=f"{field}: .* is in account 444455556666, the role in 111122223333"):
            check_account(wanted, "111122223333")


def test_what_is_not_given_is_not_wanted_and_all_that_iam_takes_is_taken() -> None:
    (bare,) = wanted_roles([{"name": "app", "state": None}], "aws")
    assert bare.state == "present"
    assert (bare.path, bare.service_accounts, bare.policies, bare.managed_policy_arns) == (None, None, None, None)
    assert (bare.permissions_boundary, bare.tags, bare.max_session_duration, bare.description) == (None,) * 4
    (full,) = wanted_roles(
        [
            {
                "name": "a_+=,.@-" + "b" * 56,
                "path": "/a/b!~/",
                "service_accounts": ["*:*", "team-?:app.one", "default:app", "default:app"],
                "policies": {
                    "a"
                    * 107: '{"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": "*", "Resource": "*"}}'
                },
                "managed_policy_arns": [
                    "arn:aws:iam::aws:policy/job-function/x",
                    "arn:aws:iam::111122223333:policy/a/b/c",
                ],
                "permissions_boundary": "",
                "tags": {"A b_.:/=+-@": "\u00e4", "number": 1, "empty": None},
                "max_session_duration": 43_200,
                "description": "\u00fcber\n",
            }
        ],
        "aws",
    )
    assert full.service_accounts == ("*:*", "team-?:app.one", "default:app")
    assert full.tags == {"A b_.:/=+-@": "\u00e4", "number": "1", "empty": ""}
    assert full.permissions_boundary == ""
