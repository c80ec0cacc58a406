# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What all modules share when they call AWS: retries, and options that AWS's client does not take."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils._aws import Aws
from ansible_collections.ekspress.eks.plugins.module_utils._context import Context
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError
from ansible_collections.ekspress.eks.plugins.module_utils._parallel import gather
from ansible_collections.ekspress.eks.tests.integration.eks_clusters import ACCOUNT
from ansible_collections.ekspress.eks.tests.integration.iam_roles import make_role

from sandbox.aws.client import AwsServer


def test_a_storm_of_throttling_outlives_no_quota_of_retries(aws: AwsServer) -> None:
    names = [f"role-{number}" for number in range(60)]
    for name in names:
        make_role(aws, name)
        aws.fault("GetRole", "throttle", match={"RoleName": name}, times=3)
    context = Context()
    caller = Aws({}, context)
    iam = caller.client("iam")
    answers = gather(context, lambda name: caller.call(iam, "get_role", RoleName=name), names, workers=len(names))
    assert [answer["Role"]["RoleName"] for answer in answers] == names


def test_retries_end_where_the_task_says_so(aws: AwsServer) -> None:
    aws.fault("GetCallerIdentity", "throttle", times=None)
    caller = Aws({"aws_config": {"retries": {"max_attempts": 1}}}, Context())
    with pytest.raises(EksError, match="still throttles after several retries"):
        assert caller.account
    assert len(aws.calls("GetCallerIdentity")) == 2


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"aws_config": {"bogus": 1}}, "aws_config is not a configuration that botocore takes: .*'bogus'"),
        ({"aws_config": {"retries": "many"}}, "aws_config is not a configuration that botocore takes: "),
        ({"aws_config": {"retries": {"mode": "x"}}}, "aws_config is not a configuration that botocore takes: .*legacy"),
        ({"endpoint_url": "localhost"}, "endpoint_url 'localhost' is not a URL"),
        ({"endpoint_url": "http://127.0.0.1:1x"}, "endpoint_url 'http://127.0.0.1:1x' is not a URL"),
        ({"endpoint_url": "ftp://127.0.0.1"}, "is not a URL"),
    ],
)
def test_options_that_botocore_refuses_are_named(aws: AwsServer, option: dict[str, Any], message: str) -> None:
    with pytest.raises(EksError, match=message):
        Aws(option, Context()).client("eks")
    assert aws.calls() == []


@pytest.mark.parametrize("region", ["mars-1", "eu_central_1", "-"])
def test_a_region_that_is_none_is_named(aws: AwsServer, region: str) -> None:
    with pytest.raises(EksError, match=f"'{region}' is not a region that botocore .* knows; correct the region"):
        assert Aws({"region": region}, Context()).partition
    assert aws.calls() == []


def test_many_threads_share_one_session_and_its_clients(aws: AwsServer) -> None:
    make_role(aws, "guest", statements=[{"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}])
    caller = Aws({"assume_role_arn": f"arn:aws:iam::{ACCOUNT}:role/guest"}, Context())

    def call(number: int) -> tuple[int, str]:
        client = caller.client("sts", ["eu-central-1", "us-east-1"][number % 2])
        return id(client), str(caller.call(client, "get_caller_identity")["Arn"])

    answers = gather(Context(), call, range(32))
    assert len({client for client, _arn in answers}) == 2
    assert {arn for _client, arn in answers} == {f"arn:aws:sts::{ACCOUNT}:assumed-role/guest/ekspress.eks"}
    assert len(aws.calls("AssumeRole")) == 1
