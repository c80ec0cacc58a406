# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""irsa_roles where the OIDC provider that the roles would trust is missing, late, or of no use to pods."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.ekspress.eks.plugins.module_utils import _irsa_provider
from ansible_collections.ekspress.eks.plugins.module_utils._context import Context
from ansible_collections.ekspress.eks.plugins.module_utils._irsa_roles import LOGIC
from ansible_collections.ekspress.eks.plugins.module_utils._runner import execute
from ansible_collections.ekspress.eks.tests.integration.eks_clusters import ACCOUNT, counted, make_cluster, written
from ansible_collections.ekspress.eks.tests.integration.iam_roles import ALLOW_LIST, make_provider, make_role
from ansible_collections.ekspress.eks.tests.support import FOR_EVER, PATIENCE, run_logic, wait_until

from sandbox.aws.client import AwsServer

READ = "iam:GetOpenIDConnectProvider"
MISSING: dict[str, Any] = {"code": "NoSuchEntity", "message": "OpenIDConnect Provider not found", "status": 404}
NEXT = "Run the role ekspress.eks.identity or the module ekspress.eks.oidc_provider first."


@pytest.fixture
def issuer(aws: AwsServer) -> str:
    """The issuer of a cluster named blue without an OIDC provider."""
    return str(make_cluster(aws)["identity"]["oidc"]["issuer"])


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many attempts as ever, with short pauses."""
    monkeypatch.setattr(_irsa_provider, "PAUSES", tuple(pause / 100 for pause in _irsa_provider.PAUSES))


def arn_of(issuer: str) -> str:
    return f"arn:aws:iam::{ACCOUNT}:oidc-provider/{issuer.removeprefix('https://')}"


def role(name: str = "app", **more: Any) -> dict[str, Any]:
    return {"name": name, "service_accounts": [f"default:{name}"], "policies": {"list": ALLOW_LIST}, **more}


def converge(*roles: dict[str, Any], check: bool = False, **params: Any) -> dict[str, Any]:
    by = {} if "issuer" in params else {"cluster": "blue"}
    return run_logic(LOGIC, {**by, "roles": list(roles), "settle": 0, **params}, check=check, diff=True)


@pytest.mark.parametrize("exists", [False, True], ids=["new role", "role that exists"])
def test_a_provider_that_is_missing_is_said_before_any_write(
    aws: AwsServer, issuer: str, impatient: None, exists: bool
) -> None:
    if exists:
        make_role(aws, "app")
    refused = converge(role(), role("other"), {"name": "gone", "state": "absent"})
    assert refused["msg"] == (
        f"The IAM OIDC provider {arn_of(issuer)} of EKS cluster 'blue' does not exist, so pods would get no AWS "
        f"credentials from the IAM roles; nothing was changed. {NEXT}"
    )
    assert (refused["failed"], refused["changed"]) == (True, False)
    assert written(aws) == []
    assert counted(aws)[READ] == 7
    make_provider(aws, issuer)
    assert converge(role(), role("other"))["changed"]
    assert counted(aws)[READ] == 1


def test_a_provider_without_the_audience_of_pods_is_said_before_any_write(
    aws: AwsServer, issuer: str, impatient: None
) -> None:
    arn = make_provider(aws, issuer, audiences=("vault", "other"))
    refused = converge(role(), issuer=issuer)
    assert refused["failed"]
    assert refused["msg"] == (
        f"The IAM OIDC provider {arn} of issuer {issuer} has not the audience sts.amazonaws.com (its audiences: other, "
        f"vault), so pods would get no AWS credentials from the IAM roles; nothing was changed. {NEXT}"
    )
    assert written(aws) == []
    iam = aws.client("iam")
    iam.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID="sts.amazonaws.com")
    assert converge(role(), issuer=issuer)["changed"]


def test_a_provider_that_was_just_created_is_waited_for(aws: AwsServer, issuer: str) -> None:
    make_provider(aws, issuer)
    aws.fault("GetOpenIDConnectProvider", "error", times=2, **MISSING)
    assert converge(role())["roles"][0]["state"] == "created"
    assert counted(aws)[READ] == 3


def test_the_end_of_the_task_ends_the_wait(aws: AwsServer, issuer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_irsa_provider, "PAUSES", (FOR_EVER,))
    context = Context()
    given = {"cluster": "blue", "roles": [role()]}
    params = ArgumentSpecValidator(LOGIC.argument_spec()).validate(given).validated_parameters
    results: list[dict[str, Any]] = []
    run = threading.Thread(target=lambda: results.append(execute(LOGIC, params, context)))
    run.start()
    wait_until(lambda: READ in counted(aws), "the first read")
    context.cancelled.set()
    run.join(PATIENCE)
    assert not run.is_alive()
    assert "the task was ended before" in results[0]["msg"]
    assert written(aws) == []
    assert counted(aws)[READ] == 1


@pytest.mark.parametrize("audiences", [None, ("vault",)], ids=["missing", "without the audience"])
def test_check_mode_warns_and_says_what_the_run_will_do(
    aws: AwsServer, issuer: str, audiences: tuple[str, ...] | None
) -> None:
    arn = make_provider(aws, issuer, audiences=audiences) if audiences else arn_of(issuer)
    make_role(aws, "old")
    roles = [role("new"), role("old", tags={"a": "b"})]
    checked = converge(*roles, check=True)
    assert counted(aws)[READ] == 1
    assert written(aws) == []
    (warning,) = checked.pop("warnings")
    assert warning.startswith(f"The IAM OIDC provider {arn} of EKS cluster 'blue' ")
    assert warning.endswith(
        "; the run would be refused unless it is put right before: role ekspress.eks.identity, or module "
        "ekspress.eks.oidc_provider."
    )
    iam = aws.client("iam")
    if audiences:
        iam.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID="sts.amazonaws.com")
    else:
        make_provider(aws, issuer)
    assert converge(*roles) == checked
    assert checked["changed"]


def test_a_provider_that_has_gone_is_noticed_by_one_read_and_stops_nothing(aws: AwsServer, issuer: str) -> None:
    arn = make_provider(aws, issuer)
    roles = [role("app"), role("other")]
    converge(*roles)
    aws.client("iam").delete_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    aws.clear_calls()
    for again in (converge(*roles), converge(*roles, check=True)):
        assert not again["changed"]
        assert again["warnings"] == [
            f"The IAM OIDC provider {arn} of EKS cluster 'blue' does not exist, so pods get no AWS credentials from "
            f"the IAM roles app, other. {NEXT.removesuffix(' first.')}."
        ]
    assert counted(aws)[READ] == 2
    tagged = converge(role(tags={"a": "b"}))
    assert (tagged["roles"][0]["state"], len(tagged["warnings"])) == ("updated", 1)


def test_roles_that_trust_nobody_anew_do_not_ask_for_the_provider(aws: AwsServer, issuer: str) -> None:
    make_provider(aws, issuer)
    converge(role("app"), role("other"))
    aws.clear_calls()
    assert converge({"name": "app", "tags": {"a": "b"}})["roles"][0]["state"] == "updated"
    assert converge({"name": "app", "state": "absent"})["roles"][0]["state"] == "removed"
    assert converge({"name": "other", "state": "absent"}, check=True)["roles"][0]["state"] == "removed"
    assert READ not in counted(aws)


def test_unchanged_roles_do_without_leave_to_read_the_provider(aws: AwsServer, issuer: str) -> None:
    make_provider(aws, issuer)
    converge(role())
    aws.fault("GetOpenIDConnectProvider", "deny", times=None)
    again = converge(role())
    assert (again.get("failed", False), again["changed"]) == (False, False)
    (warning,) = again["warnings"]
    assert warning.startswith(
        "Whether the OIDC provider that the IAM roles app trust exists is not known: iam:GetOpenID"
    )
    assert "add the action to its policy" in warning


@pytest.mark.parametrize("check", [False, True])
def test_a_provider_that_may_not_be_read_is_said_before_any_write(aws: AwsServer, issuer: str, check: bool) -> None:
    make_provider(aws, issuer)
    aws.fault("GetOpenIDConnectProvider", "deny", times=None)
    refused = converge(role(), check=check)
    assert refused["failed"]
    assert "iam:GetOpenIDConnectProvider failed: AccessDenied" in refused["msg"]
    assert "add the action to its policy" in refused["msg"]
    assert written(aws) == []
    assert counted(aws)[READ] == 1
