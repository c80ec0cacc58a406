# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a task may ask of aws-auth, and what it is told otherwise."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils._aws_auth_input import wanted
from ansible_collections.ekspress.eks.plugins.module_utils._aws_auth_model import Entry, Wanted
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError

ROLE, USER = "arn:aws:iam::111122223333:role/admin", "arn:aws:iam::111122223333:user/team/ana"


def item(arn: str = ROLE, username: Any = "admin", groups: Any = ("dev",)) -> dict[str, Any]:
    return {"arn": arn, "username": username, "groups": None if groups is None else list(groups)}


def test_entries_come_out_as_the_authenticator_looks_them_up() -> None:
    found = wanted(
        {
            "roles": [
                item("arn:aws-cn:iam::111122223333:role/a/b/Admin"),
                item("arn:aws:sts::111122223333:assumed-role/Ops/session", groups=[]),
                item("arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_x_1"),
            ],
            "users": [item(USER, groups=["b", "a", "b"]), item("arn:aws:sts::111122223333:federated-user/bob")],
            "accounts": ["012345678901"],
        }
    )
    assert found == Wanted(
        (
            Entry("arn:aws-cn:iam::111122223333:role/Admin", "admin", ("dev",)),
            Entry("arn:aws:iam::111122223333:role/Ops", "admin", ()),
            Entry("arn:aws:iam::111122223333:role/AWSReservedSSO_x_1", "admin", ("dev",)),
        ),
        (Entry(USER, "admin", ("b", "a")), Entry("arn:aws:sts::111122223333:federated-user/bob", "admin", ("dev",))),
        ("012345678901",),
    )


def test_placeholders_lose_the_spaces_with_which_eks_would_not_replace_them() -> None:
    found = wanted({"roles": [item(username="a:{{ SessionName }}:{{AccountID}}", groups=["{{ SessionNameRaw}}", 7])]})
    assert found.roles == (Entry(ROLE, "a:{{SessionName}}:{{AccountID}}", ("{{SessionNameRaw}}", "7")),)


def test_lists_that_are_not_given_and_empty_ones_differ() -> None:
    assert wanted({}) == Wanted()
    assert wanted({"roles": [], "accounts": []}) == Wanted((), None, ())


def test_only_the_arn_counts_where_it_shall_be_absent() -> None:
    assert wanted({"state": "absent", "roles": [item(username=None, groups=None)]}).roles == (Entry(ROLE),)


def test_nothing_is_wanted_of_a_restore() -> None:
    assert wanted({"state": "restored", "roles": [item("nonsense")]}) == Wanted()


def test_the_clusters_partition_is_the_only_one() -> None:
    assert wanted({"roles": [item()]}, "aws").roles
    with pytest.raises(EksError, match=r"in partition aws, the cluster in aws-cn.*an account in aws-cn"):
        wanted({"roles": [item()]}, "aws-cn")


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"roles": [item("admin")]}, "roles: the ARN 'admin' is not an ARN.*has the form"),
        ({"roles": [item("arn:aws:iam::1:role/a")]}, "not an ARN"),
        ({"roles": [item("")]}, "not an ARN"),
        ({"roles": [item(f"{ROLE} ")]}, "not an ARN.*spaces"),
        ({"roles": [item("arn:aws:iam::111122223333:role/")]}, "needed is the ARN of an IAM role"),
        ({"roles": [item("arn:aws:iam::111122223333:role/a!b")]}, "invalid account, path or name"),
        ({"roles": [item("arn:aws:iam::111122223333:policy/a")]}, "of kind 'iam policy'; needed is"),
        ({"roles": [item("arn:aws:sts::111122223333:assumed-role/a")]}, "no ARN of an IAM role, such as"),
        ({"roles": [item("arn:aws:sts::111122223333:federated-user/a")]}, "no ARN of an IAM role, such as"),
        ({"roles": [item(USER)]}, "is the ARN of a user: list it in users"),
        ({"users": [item(ROLE)]}, "is the ARN of a role: list it in roles"),
        ({"users": [item("arn:aws:sts::111122223333:assumed-role/a/b")]}, "is the ARN of a role: list it in roles"),
        ({"users": [item("arn:aws:iam::111122223333:user/a b")]}, "not an ARN"),
        ({"users": [item("arn:aws:iam::111122223333:user/a:b")]}, "no valid name: letters"),
        ({"roles": [item("arn:aws:iam::111122223333:root")]}, "root user.*use a role or a user"),
        ({"users": [item("arn:aws:iam::111122223333:root")]}, "root user.*use a role or a user"),
        ({"roles": [item(), item()]}, "listed twice.*give it once"),
        (
            {"roles": [item(), item("arn:aws:iam::111122223333:role/x/ADMIN")]},
            "ADMIN is listed twice .*as .*role/admin",
        ),
        (
            {"users": [item(USER), item(USER.upper().replace("ARN:AWS:IAM", "arn:aws:iam").replace("USER", "user"))]},
            "twi",
        ),
        ({"roles": [item(username=None)]}, "no username: give"),
        ({"roles": [item(username="")]}, "no username: give"),
        ({"roles": [item(username="  ")]}, "no username: give"),
        ({"roles": [item(groups=None)]}, r"no groups: list .* or \[\] for none"),
        ({"roles": [item(groups=["a", ""])]}, "the group '': .*remove it"),
        ({"roles": [item(groups=[" "])]}, "the group ' ': .*remove it"),
        ({"roles": [item(groups=[None])]}, "the group None: .*remove it"),
        ({"roles": [item(username="a\nb")]}, "username: 'a.*line break or a control character; remove it"),
        ({"roles": [item(username="a\x00")]}, "username: .*control character"),
        ({"roles": [item(username="a\u2028b")]}, "username: .*line break"),
        ({"roles": [item(username="a\x85b")]}, "username: .*line break"),
        ({"roles": [item(username="a\ud800")]}, "username: .*control character"),
        ({"roles": [item(groups=["a\r"])]}, "groups: .*line break or a control character"),
        (
            {"roles": [item(username="a:{{SessionNam}}")]},
            "placeholder 'SessionNam', which EKS does not replace.*knows.*SessionName,",
        ),
        ({"roles": [item(groups=["{{ x }}"])]}, "groups: .*the placeholder 'x'"),
        ({"roles": [item(username=["a"])]}, r"username: \['a'\] is no text.*quotes"),
        ({"users": [item(USER, username=True)]}, "username: True is no text.*quotes"),
        ({"users": [item(USER, username=1.1)]}, "username: 1.1 is no text.*quotes"),
        ({"roles": [item(groups=["a", False])]}, "groups: False is no text.*quotes"),
        ({"roles": [item(groups=[{"a": 1}])]}, "groups: {'a': 1} is no text.*quotes"),
        ({"roles": [item(username=" a")]}, "username: ' a' begins or ends with a space.*remove it"),
        ({"roles": [item(groups=["a", " b"])]}, "groups: ' b' begins or ends with a space.*remove it"),
        ({"accounts": ["12345678901"]}, "'12345678901' is not an AWS account ID: it has 12 digits; quote it"),
        ({"accounts": [123456789012]}, "not an AWS account ID.*quote it"),
        ({"accounts": ["111122223333", "111122223333"]}, "accounts: 111122223333 is listed twice: give it once"),
    ],
    ids=lambda value: None if isinstance(value, str) else "-".join(value),
)
def test_bad_input_is_refused_with_what_to_do(params: dict[str, Any], message: str) -> None:
    with pytest.raises(EksError, match=message):
        wanted(params)
