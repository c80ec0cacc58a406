# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""irsa_roles at IAM's quotas: what fits in the end fits on the way, what does not is refused before any write."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils._irsa_roles import LOGIC
from ansible_collections.ekspress.eks.tests.integration.eks_clusters import written
from ansible_collections.ekspress.eks.tests.integration.iam_roles import documents, make_provider, make_role, named
from ansible_collections.ekspress.eks.tests.support import run_logic

from sandbox.aws.client import AwsServer

ISSUER = "https://oidc.eks.eu-central-1.amazonaws.com/id/B1"
ARNS = [
    f"arn:aws:iam::aws:policy/{name}"
    for name in (
        "AdministratorAccess",
        "AmazonEC2ReadOnlyAccess",
        "AmazonEKSClusterPolicy",
        "AmazonEKSWorkerNodePolicy",
        "AmazonEKS_CNI_Policy",
        "AmazonS3FullAccess",
        "AmazonS3ReadOnlyAccess",
        "IAMReadOnlyAccess",
        "PowerUserAccess",
        "ReadOnlyAccess",
        "SecurityAudit",
    )
]


@pytest.fixture(autouse=True)
def provider(aws: AwsServer) -> str:
    """The issuer has its OIDC provider."""
    return make_provider(aws, ISSUER)


def converge(check: bool = False, **fields: Any) -> dict[str, Any]:
    role = {"name": "app", "service_accounts": ["default:app"], **fields}
    params = {"issuer": ISSUER, "roles": [role], "settle": 0, "purge_policies": True}
    return run_logic(LOGIC, params, check=check)


def done(result: dict[str, Any]) -> bool:
    assert not result.get("failed"), result
    return bool(result["changed"])


def sized(length: int) -> dict[str, Any]:
    """A policy of about that many characters."""
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::" + "x" * (length - 110)}
    return {"Version": "2012-10-17", "Statement": [statement]}


def test_an_attachment_is_swapped_where_no_more_would_fit(aws: AwsServer) -> None:
    assert done(converge(managed_policy_arns=ARNS[:10]))
    assert done(converge(managed_policy_arns=ARNS[1:]))
    assert named(aws, "app")["attached"] == set(ARNS[1:])
    assert not done(converge(managed_policy_arns=ARNS[1:]))


def test_a_policy_is_replaced_by_one_that_would_not_fit_beside_it(aws: AwsServer) -> None:
    assert done(converge(policies={"old": sized(6_000)}))
    assert done(converge(policies={"new": sized(6_000)}))
    assert set(documents(aws, "app")) == {"new"}


def test_one_policy_grows_as_another_shrinks(aws: AwsServer) -> None:
    assert done(converge(policies={"a": sized(2_000), "b": sized(8_000)}))
    assert done(converge(policies={"a": sized(8_000), "b": sized(2_000)}))
    assert not done(converge(policies={"a": sized(8_000), "b": sized(2_000)}))


def test_a_policy_is_replaced_where_the_role_has_all_tags_that_it_may_have(aws: AwsServer) -> None:
    tags = {f"tag-{number}": "" for number in range(49)}
    assert done(converge(policies={"old": sized(200)}, tags=tags))
    assert done(converge(policies={"new": sized(200)}))
    assert set(documents(aws, "app")) == {"new"}
    assert len(named(aws, "app")["tags"]) == 50


def test_policies_of_others_count_and_are_named(aws: AwsServer) -> None:
    make_role(aws, "app", policies={"others": sized(6_000), "more": sized(1_000)})
    for check in (True, False):
        refused = converge(check=check, policies={"ours": sized(4_000)})
        assert refused["failed"]
        assert "and the quota is 10240. Those that are not listed: more (" in refused["msg"]
        assert ", others (" in refused["msg"]
        assert "nothing was changed" in refused["msg"]
    assert written(aws) == []
    assert done(converge(policies={"ours": sized(3_000)}))
