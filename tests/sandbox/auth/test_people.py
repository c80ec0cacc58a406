# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""People come with tokens of their sessions; the real authenticator, RBAC and access policies judge them."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta

import pytest

from tests.doors import ACCOUNT, TRUST, Doors, Keys, closed, known, opened
from tests.support import wait_until

PODS = "/api/v1/namespaces/{}/pods"
SECRETS = "/api/v1/namespaces/{}/secrets"
CREATOR = f"arn:aws:iam::{ACCOUNT}:user/moto"
ROLES = "- rolearn: arn:aws:iam::123456789012:role/{0}\n  username: {1}\n  groups: [{2}]\n"


def statuses(doors: Doors, keys: Keys, namespace: str) -> tuple[int, int]:
    """What becomes of two requests of somebody: to list pods, and to list Secrets."""
    return (
        doors.status(keys, "GET", PODS.format(namespace)),
        doors.status(keys, "GET", SECRETS.format(namespace)),
    )


def test_the_creator_has_an_entry_that_everybody_sees(doors: Doors) -> None:
    user = doors.who(doors.creator)
    assert user == known(CREATOR), "in no group: what it may is the access policy's"
    assert doors.status(doors.creator, "GET", "/metrics") == 200
    role = {"metadata": {"name": "any"}, "rules": [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]}
    path = "/apis/rbac.authorization.k8s.io/v1/clusterroles"
    assert doors.status(doors.creator, "POST", path, role) == 201, "nobody else may give away more than they have"
    assert doors.status(doors.creator, "DELETE", f"{path}/any") == 200
    where = {"clusterName": doors.cluster, "principalArn": CREATOR}
    [policy] = doors.eks.list_associated_access_policies(**where)["associatedAccessPolicies"]
    doors.eks.disassociate_access_policy(**where, policyArn=policy["policyArn"])
    wait_until(lambda: doors.status(doors.creator, "GET", "/metrics") == 403)
    assert doors.who(doors.creator) == user
    doors.eks.delete_access_entry(**where)
    wait_until(lambda: doors.who(doors.creator) is None)


def test_without_access_entries_the_creator_is_an_administrator_whom_nobody_sees(doors: Doors) -> None:
    doors.mode("CONFIG_MAP")
    wait_until(lambda: doors.who(doors.creator) == known("kubernetes-admin", "system:masters"))
    role = doors.role("maker-of-clusters", "/teams/")
    doors.aws.cluster(doors.cluster, creator=role)
    doors.await_role(role, known("kubernetes-admin", "system:masters"))
    wait_until(lambda: doors.who(doors.creator) is None)


def test_a_role_in_aws_auth_may_what_its_groups_may(doors: Doors, name: str) -> None:
    role = doors.role(name)
    doors.bind(name, "team-orders", ["list"], "pods")
    doors.await_role(role, None)
    doors.aws_auth(mapRoles=ROLES.format(name, "dev:{{SessionName}}", name))
    doors.await_role(role, known("dev:alice", name))
    assert statuses(doors, doors.session(role), "team-orders") == (200, 403)
    assert doors.status(doors.session(role), "GET", PODS.format("default")) == 403
    doors.aws_auth()
    doors.await_role(role, None)
    assert statuses(doors, doors.session(role), "team-orders") == (401, 401)


def test_a_role_with_an_access_entry_may_what_its_groups_may(doors: Doors, name: str) -> None:
    role = doors.role(name, "/teams/")
    doors.bind(name, "team-orders", ["list"], "pods")
    doors.access_entry(role, kubernetesGroups=[name])
    user = known(f"arn:aws:sts::{ACCOUNT}:assumed-role/{name}/alice", name)
    doors.await_role(role, user)
    assert statuses(doors, doors.session(role), "team-orders") == (200, 403)
    doors.eks.update_access_entry(clusterName=doors.cluster, principalArn=role, kubernetesGroups=[], username="dev")
    doors.await_role(role, known("dev"))
    assert statuses(doors, doors.session(role), "team-orders") == (403, 403)


def test_an_access_entry_overrides_aws_auth_at_once(doors: Doors, name: str) -> None:
    role = doors.role(name)
    doors.aws_auth(mapRoles=ROLES.format(name, "mapped", "system:masters"))
    doors.await_role(role, known("mapped", "system:masters"))
    doors.access_entry(role, username="entered")
    assert doors.resolved(doors.token(doors.session(role))) == known("entered"), "with what little it gives"
    doors.await_role(role, known("entered"))
    doors.eks.delete_access_entry(clusterName=doors.cluster, principalArn=role)
    doors.await_role(role, known("mapped", "system:masters"))


def test_a_path_in_the_arn_of_a_role_never_matches(doors: Doors, name: str) -> None:
    role, other = doors.role(name, "/teams/"), doors.role(f"{name}-2")
    doors.aws_auth(mapRoles=ROLES.format(f"teams/{name}", "path", "a") + ROLES.format(f"{name}-2", "other", "b"))
    doors.await_role(other, known("other", "b"))
    assert doors.who(doors.session(role)) is None
    doors.aws_auth(mapRoles=ROLES.format(name.upper(), "no path, whatever case", "a"))
    doors.await_role(role, known("no path, whatever case", "a"))


def test_of_several_entries_the_last_one_counts(doors: Doors, name: str) -> None:
    role = doors.role(name)
    doors.aws_auth(mapRoles="".join(ROLES.format(name, *what) for what in (("one", "a"), ("two", "b"), ("three", "c"))))
    doors.await_role(role, known("three", "c"))


def test_a_user_is_known_with_its_path(doors: Doors, name: str) -> None:
    arn, keys = doors.user(name, "/people/")
    entry = "- {{userarn: '{}', username: {}, groups: [{}]}}\n"
    doors.aws_auth(mapUsers=entry.format(arn.replace("/people", ""), "other", "x") + entry.format(arn, "me", "a"))
    wait_until(lambda: doors.who(keys) == known("me", "a"))
    doors.access_entry(arn, kubernetesGroups=["b"])
    wait_until(lambda: doors.who(keys) == known(arn, "b"))


def test_an_account_lets_everybody_of_it_in_as_themselves(doors: Doors, name: str) -> None:
    role = doors.role(name, "/teams/")
    doors.aws_auth(mapAccounts=f"- '{ACCOUNT}'\n")
    doors.await_role(role, known(f"arn:aws:iam::{ACCOUNT}:role/{name}"))
    assert statuses(doors, doors.session(role), "default") == (403, 403)
    doors.aws_auth(mapAccounts="- '210987654321'\n")
    doors.await_role(role, None)


@pytest.mark.parametrize(
    ("template", "username"),
    [
        ("{{SessionName}}", "bob-example.com"),
        ("{{SessionNameRaw}}", "bob@example.com"),
        ("{{AccountID}}:{{SessionName}}", f"{ACCOUNT}:bob-example.com"),
    ],
)
def test_usernames_name_the_session(doors: Doors, name: str, template: str, username: str) -> None:
    role = doors.role(name)
    doors.aws_auth(mapRoles=ROLES.format(name, f"'{template}'", f"'{template}'"))
    doors.await_role(role, known(username, username), "bob@example.com")


def test_a_node_is_known_by_the_name_of_its_instance(doors: Doors) -> None:
    """As a kubelet does: the session of the node's role is named like the instance."""
    instance, name = doors.instance()
    role = f"{doors.cluster}-node"
    doors.aws.client("iam").update_assume_role_policy(RoleName=role, PolicyDocument=json.dumps(TRUST))
    arn = f"arn:aws:iam::{ACCOUNT}:role/{role}"
    doors.await_role(arn, known(f"system:node:{name}", "system:nodes"), instance)
    doors.await_role(arn, None, "i-0000000000000dead")


def test_tokens_that_are_none(doors: Doors, name: str) -> None:
    role = doors.role(name)
    doors.access_entry(role)
    keys = doors.session(role)
    good = opened(doors.token(keys))
    assert doors.who_has(closed(good)) is not None
    moment = datetime.now(UTC)
    old = (moment - timedelta(minutes=16)).strftime("%Y%m%dT%H%M%SZ")
    other = doors.session(doors.role(f"{name}-2"))["access_key"]
    for token in (
        "x",
        "k8s-aws-v1.",
        "k8s-aws-v1.bm90IGEgdXJs",
        doors.token(keys, "sandbox-blue"),
        closed(re.sub(r"X-Amz-Date=\w+", f"X-Amz-Date={old}", good)),
        closed(re.sub(r"X-Amz-Credential=\w+", f"X-Amz-Credential={other}", good)),
        closed(re.sub(r"X-Amz-Signature=\w", "X-Amz-Signature=x", good)),
        closed(re.sub(r"X-Amz-Security-Token=\w", "X-Amz-Security-Token=x", good)),
        closed(good.replace("x-k8s-aws-id", "x-other")),
        closed(good.replace("GetCallerIdentity", "GetSessionToken")),
        closed(good.replace("https://sts.eu-central-1.amazonaws.com", doors.aws.endpoint)),
        closed(good.replace("https://sts.eu-central-1.amazonaws.com", "https://sts.example.com")),
    ):
        assert doors.who_has(token) is None, token
    assert doors.who_has(closed(good)) is not None


def test_modes_go_forward_and_decide_what_counts(doors: Doors, name: str) -> None:
    both, entered, mapped = (doors.role(f"{name}-{suffix}") for suffix in ("both", "entered", "mapped"))
    for role in (both, entered):
        doors.access_entry(role, username="entered")
    doors.aws_auth(mapRoles=ROLES.format(f"{name}-both", "mapped", "a") + ROLES.format(f"{name}-mapped", "mapped", "a"))
    inside = {
        "CONFIG_MAP": (known("mapped", "a"), None, known("mapped", "a")),
        "API_AND_CONFIG_MAP": (known("entered"), known("entered"), known("mapped", "a")),
        "API": (known("entered"), known("entered"), None),
    }
    doors.mode("CONFIG_MAP")
    for mode, expected in inside.items():
        if mode != "CONFIG_MAP":
            doors.eks.update_cluster_config(name=doors.cluster, accessConfig={"authenticationMode": mode})
            described = doors.eks.describe_cluster(name=doors.cluster)["cluster"]
            assert described["accessConfig"]["authenticationMode"] == mode
        for role, user in zip((both, entered, mapped), expected, strict=True):
            doors.await_role(role, user)


def test_a_role_made_anew_is_another_one(doors: Doors, name: str) -> None:
    iam = doors.aws.client("iam")
    role = doors.role(name)
    doors.access_entry(role)
    doors.associate(role, "AmazonEKSClusterAdminPolicy")
    wait_until(lambda: doors.status(doors.session(role), "GET", "/metrics") == 200)
    iam.delete_role(RoleName=name)
    assert doors.role(name) == role
    assert doors.who(doors.session(role)) is None
    doors.aws_auth(mapRoles=ROLES.format(name, "mapped", "a"))
    doors.await_role(role, known("mapped", "a"))
    assert doors.status(doors.session(role), "GET", "/metrics") == 403, "the policy is of the role that is gone"
    doors.eks.delete_access_entry(clusterName=doors.cluster, principalArn=role)
    doors.access_entry(role)
    doors.await_role(role, known(f"arn:aws:sts::{ACCOUNT}:assumed-role/{name}/alice"))
