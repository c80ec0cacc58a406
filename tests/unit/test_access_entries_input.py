# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""AWS's rules for access entries, before any call."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils._access_entries_input import wanted_entries
from ansible_collections.ekspress.eks.plugins.module_utils._access_entries_model import Wanted, policy_arn
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError

ACCOUNT = "111122223333"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/teams/dev"
VIEW = policy_arn("aws", "AmazonEKSViewPolicy")


def read(*entries: dict[str, Any], owner: str = "x", present: bool = True) -> list[Wanted]:
    return wanted_entries(list(entries), partition="aws", account=ACCOUNT, owner=owner, present=present)


def message(*entries: dict[str, Any], **more: Any) -> str:
    with pytest.raises(EksError) as caught:
        read(*entries, **more)
    return caught.value.message


def test_an_entry() -> None:
    given = {
        "principal": ROLE,
        "username": "dev:{{ SessionName }}",
        "groups": ["b", "a", "a", 1],
        "policies": [{"policy": "AmazonEKSViewPolicy", "namespaces": ["b", "a", "b"]}],
        "tags": {"a": 1},
    }
    assert read(given) == [
        Wanted(
            ROLE,
            username="dev:{{SessionName}}",
            groups=frozenset({"a", "b", "1"}),
            policies={VIEW: ("a", "b")},
            tags={"a": "1"},
        )
    ]
    assert read({"principal": ROLE}) == [Wanted(ROLE)]
    assert read({"principal": ROLE, "policies": [{"policy": VIEW}]})[0].policies == {VIEW: ()}
    assert read({"principal": ROLE, "groups": [], "policies": []}) == [Wanted(ROLE, groups=frozenset(), policies={})]


@pytest.mark.parametrize(
    ("principal", "part"),
    [
        ("dev", "is not an ARN"),
        (f"arn:aws:sts::{ACCOUNT}:assumed-role/dev/me", "it is a session"),
        (f"arn:aws:iam::{ACCOUNT}:root", "root user"),
        (f"arn:aws:iam::{ACCOUNT}:group/x", "not the ARN of an IAM role or user"),
        (f"arn:aws:iam::{ACCOUNT}:role/*", "wildcards are not taken"),
        (f"arn:aws:iam::{ACCOUNT}:role/a*/b", "wildcards are not taken"),
        (f"arn:aws-cn:iam::{ACCOUNT}:role/x", "is in partition aws-cn"),
        (f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/emr.amazonaws.com/X", "service-linked role"),
    ],
)
def test_principals(principal: str, part: str) -> None:
    assert part in message({"principal": principal})
    assert part in message({"principal": principal}, present=False)


@pytest.mark.parametrize("prefix", ["system:", "eks:", "aws:", "amazon:", "iam:"])
def test_reserved_names(prefix: str) -> None:
    assert f"begins with {prefix}" in message({"principal": ROLE, "username": f"{prefix}x"})
    assert f"begins with {prefix}" in message({"principal": ROLE, "groups": ["a", f"{prefix}x"]})
    assert read({"principal": ROLE, "username": f"x{prefix}", "groups": [f"x{prefix}"]})


@pytest.mark.parametrize(
    ("option", "value", "part"),
    [
        ("username", "", "is empty"),
        ("username", True, "is no text"),
        ("username", "a\n", "line break"),
        ("username", "x" * 257, "257 characters"),
        ("username", "john{{SessionName}}", "a colon before {{SessionName}}, such as john:{{SessionName}}"),
        ("username", "{{SessionNameRaw}}:john", "a colon before {{SessionNameRaw}}"),
        ("username", "a:{{EC2PrivateDNSName}}", "does not promise to replace"),
        ("username", "a:{{AccountID}}", "does not promise to replace"),
        ("username", "a:{{Nonsense}}", "does not replace"),
        ("groups", ["{{SessionName}}"], "has a placeholder"),
        ("groups", [None], "is empty"),
        ("groups", ["system:masters"], "AmazonEKSClusterAdminPolicy"),
        ("policies", [{"policy": "View Policy"}], "is not an access policy"),
        ("policies", [{"policy": "arn:aws:iam::aws:policy/AmazonEKSViewPolicy"}], "is not an access policy"),
        ("policies", [{"policy": VIEW.replace("aws:", "aws-cn:", 1)}], "is not an access policy"),
        ("policies", [{"policy": VIEW}, {"policy": "AmazonEKSViewPolicy"}], "listed twice"),
        ("policies", [{"policy": VIEW, "namespaces": []}], "empty list of namespaces"),
        ("policies", [{"policy": VIEW, "namespaces": ["A"]}], "'A' is not the name of a namespace"),
        ("policies", [{"policy": VIEW, "namespaces": ["a" * 64]}], "is not the name of a namespace"),
        ("tags", {"aws:x": "1"}, "only AWS sets tags"),
        ("tags", {"ekspress.eks/owner": "1"}, "keeps for itself"),
        ("tags", {"a": True}, "quote it in YAML"),
        ("tags", {"a": "x" * 257}, "at most 256"),
        ("tags", {str(number): "" for number in range(50)}, "50 are too many"),
    ],
)
def test_what_is_refused(option: str, value: Any, part: str) -> None:
    assert part in message({"principal": ROLE, option: value})
    assert read({"principal": ROLE, option: value}, present=False) == [Wanted(ROLE)]


def test_types_of_nodes() -> None:
    for option, value in (("username", "x"), ("groups", ["x"]), ("policies", [{"policy": VIEW}])):
        assert f"{option} cannot be given with type EC2_LINUX" in message(
            {"principal": ROLE, "type": "EC2_LINUX", option: value}
        )
    assert read({"principal": ROLE, "type": "EC2_LINUX", "groups": []}) == [Wanted(ROLE, "EC2_LINUX")]
    assert read({"principal": ROLE, "type": "EC2", "policies": [{"policy": VIEW}]})[0].policies == {VIEW: ()}
    user, other = f"arn:aws:iam::{ACCOUNT}:user/x", "arn:aws:iam::444455556666:role/x"
    assert "this is a user" in message({"principal": user, "type": "EC2_LINUX"})
    assert "of the cluster's own account" in message({"principal": other, "type": "HYBRID_LINUX"})
    assert read({"principal": user}, {"principal": other})


def test_all_problems_in_one_message() -> None:
    found = message(
        {"principal": "dev"},
        {"principal": ROLE, "username": "aws:x", "groups": ["eks:x"]},
        {"principal": ROLE.replace("dev", "ops"), "policies": [{"policy": "?"}]},
        owner="",
    )
    for part in ("dev: ", "aws:", "eks:", "teams/ops: policies", "owner: ''"):
        assert part in found
    assert found.endswith("Nothing was changed.")


@pytest.mark.parametrize("other", [ROLE, ROLE.replace("teams/", ""), ROLE.replace("dev", "DEV")])
def test_twice(other: str) -> None:
    assert "it is listed twice" in message({"principal": ROLE}, {"principal": other})
