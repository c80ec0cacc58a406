# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Access policies let people do what AWS's tables say, beside what RBAC lets them, and nothing else."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from sandbox.aws.access_policies import POLICIES
from tests.doors import ACCOUNT, Doors, Known, known
from tests.support import wait_until

WRITES = ("create", "update", "patch", "delete", "deletecollection")
READS = ("get", "list", "watch")
# Resource and verb, and the policies that allow it.
ALL = frozenset({"View", "Edit", "Admin", "AdminView", "ClusterAdmin"})
TABLE: list[tuple[str, str, frozenset[str]]] = [
    ("pods", "list", ALL),
    ("pods/log", "get", ALL),
    ("configmaps", "get", ALL),
    ("namespaces", "get", ALL),
    ("apps/deployments", "get", ALL),
    ("batch/jobs", "watch", ALL),
    ("secrets", "get", ALL - {"View"} | {"SecretReader"}),
    ("pods/exec", "get", ALL - {"View"}),
    ("pods/exec", "create", frozenset({"Edit", "Admin", "ClusterAdmin"})),
    ("pods", "delete", frozenset({"Edit", "Admin", "ClusterAdmin"})),
    ("secrets", "create", frozenset({"Edit", "Admin", "ClusterAdmin"})),
    ("apps/deployments", "patch", frozenset({"Edit", "Admin", "ClusterAdmin"})),
    ("serviceaccounts", "impersonate", frozenset({"Edit", "Admin", "ClusterAdmin"})),
    ("rbac.authorization.k8s.io/roles", "get", frozenset({"Admin", "AdminView", "ClusterAdmin"})),
    ("rbac.authorization.k8s.io/rolebindings", "create", frozenset({"Admin", "ClusterAdmin"})),
    ("rbac.authorization.k8s.io/roles", "escalate", frozenset({"ClusterAdmin"})),
    ("resourcequotas", "list", ALL),
    ("resourcequotas", "create", frozenset({"ClusterAdmin"})),
    ("pods/ephemeralcontainers", "patch", frozenset({"ClusterAdmin"})),
    ("example.com/widgets", "get", frozenset({"AdminView", "ClusterAdmin"})),
    ("namespaces", "create", frozenset({"ClusterAdmin"})),
]


def attributes(resource: str, verb: str, namespace: str = "") -> dict[str, Any]:
    """What an access review asks about: a resource as group/plural, plural/subresource or plural."""
    head, _, tail = resource.partition("/")
    group, plural = (head, tail) if "." in head or head in ("apps", "batch") else ("", resource)
    plural, _, subresource = plural.partition("/")
    asked = {"group": group, "resource": plural, "subresource": subresource, "verb": verb, "namespace": namespace}
    return {"resourceAttributes": {key: value for key, value in asked.items() if value}}


def may(doors: Doors, user: Known, asked: dict[str, Any]) -> bool:
    """What the API server says to an administrator who asks for somebody."""
    spec = {**asked, "user": user.username, "groups": sorted(user.groups), "extra": user.extra}
    with doors.admin() as kube:
        status, answer = kube.request("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", {"spec": spec})
    assert status == 201, answer
    return bool(answer["status"]["allowed"])


def allowed(doors: Doors, user: Known) -> set[tuple[str, str]]:
    """What of the table somebody may do."""
    return {(what, verb) for what, verb, _ in TABLE if may(doors, user, attributes(what, verb, "a"))}


def entered(doors: Doors, name: str) -> tuple[str, Known]:
    """A role with an access entry, and who its sessions are taken for."""
    role = doors.role(name)
    doors.access_entry(role)
    user = wait_until(lambda: doors.who(doors.session(role)))
    assert user == known(f"arn:aws:sts::{ACCOUNT}:assumed-role/{name}/alice")
    return role, user


@pytest.mark.parametrize("policy", ["View", "Edit", "Admin", "AdminView", "SecretReader", "ClusterAdmin"])
def test_a_policy_allows_what_its_table_says(doors: Doors, name: str, policy: str) -> None:
    role, user = entered(doors, name)
    assert allowed(doors, user) == set()
    doors.associate(role, f"AmazonEKS{policy}Policy")
    expected = {(resource, verb) for resource, verb, allowing in TABLE if policy in allowing}
    # The API server remembers what was refused before for a second.
    wait_until(lambda: allowed(doors, user) == expected, "the policy, as its table has it")
    path = {"nonResourceAttributes": {"path": "/metrics", "verb": "get"}}
    assert may(doors, user, path) == (policy == "ClusterAdmin")


def test_requests_are_answered_as_reviews_are(doors: Doors, name: str) -> None:
    role, user = entered(doors, name)
    doors.namespace(f"{name}-a")
    doors.associate(role, "AmazonEKSEditPolicy", f"{name}-a")
    space = f"/api/v1/namespaces/{name}-a"
    path = f"{space}/configmaps"
    wait_until(lambda: doors.status(doors.session(role), "GET", path) == 200)
    keys = doors.session(role)
    assert doors.status(keys, "POST", path, {"metadata": {"name": "made"}}) == 201
    assert doors.status(keys, "GET", "/api/v1/namespaces/default/configmaps") == 403
    assert doors.status(keys, "GET", "/api/v1/configmaps") == 403
    assert doors.status(keys, "GET", "/api/v1/nodes") == 403
    assert doors.status(keys, "GET", space) == 200, "a namespace is in the scope that names it"
    token = {"metadata": {"name": "x"}, "spec": {"hard": {"pods": "1"}}}
    assert doors.status(keys, "POST", f"{space}/resourcequotas", token) == 403
    for resource, verb, namespace, expected in (
        ("configmaps", "create", f"{name}-a", True),
        ("configmaps", "list", "default", False),
        ("configmaps", "list", "", False),
        ("resourcequotas", "create", f"{name}-a", False),
    ):
        assert may(doors, user, attributes(resource, verb, namespace)) == expected


@pytest.mark.parametrize(
    ("patterns", "inside", "outside"),
    [
        (["team-*"], ["team-a", "team-"], ["team", "ateam-a", "default"]),
        (["a", "b"], ["a", "b"], ["ab", "c"]),
        (["*"], ["a", "kube-system"], [""]),
    ],
)
def test_scopes(doors: Doors, name: str, patterns: list[str], inside: list[str], outside: list[str]) -> None:
    role, user = entered(doors, name)
    doors.associate(role, "AmazonEKSViewPolicy", *patterns)
    for namespace in inside:
        wait_until(partial(may, doors, user, attributes("pods", "list", namespace)))
    for namespace in outside:
        assert not may(doors, user, attributes("pods", "list", namespace)), namespace


def test_policies_add_up_with_groups(doors: Doors, name: str) -> None:
    """Whoever is in a group, and has two policies, may what either of them lets them do."""
    role = doors.role(name)
    doors.bind(name, "default", ["get"], "secrets")
    doors.access_entry(role, kubernetesGroups=[name])
    doors.associate(role, "AmazonEKSViewPolicy", "team-orders")
    doors.associate(role, "AmazonEKSEditPolicy", "monitoring")
    user = wait_until(lambda: doors.who(doors.session(role)))

    def allowed() -> set[tuple[str, str, str]]:
        asked = [(r, v, n) for r, v in (("secrets", "get"), ("pods", "list"), ("pods", "delete")) for n in spaces]
        return {item for item in asked if may(doors, user, attributes(*item))}

    spaces = ("default", "team-orders", "monitoring")
    both = {("pods", "list", "team-orders"), ("secrets", "get", "default")}
    edit = {("secrets", "get", "monitoring"), ("pods", "list", "monitoring"), ("pods", "delete", "monitoring")}
    wait_until(lambda: allowed() == both | edit)
    doors.eks.disassociate_access_policy(
        clusterName=doors.cluster,
        principalArn=role,
        policyArn="arn:aws:eks::aws:cluster-access-policy/AmazonEKSEditPolicy",
    )
    wait_until(lambda: allowed() == both)


def test_whoever_impersonates_somebody_has_no_policy(doors: Doors, name: str) -> None:
    role, user = entered(doors, name)
    doors.associate(role, "AmazonEKSClusterAdminPolicy")
    wait_until(lambda: may(doors, user, attributes("pods", "list")))
    assert not may(doors, known(user.username), attributes("pods", "list")), "the username alone is nobody"
    assert may(doors, Known(user.username, frozenset(), {"canonicalArn": [role]}), attributes("pods", "list"))
    assert not may(doors, Known("x", frozenset(), {"canonicalArn": [f"{role}x"]}), attributes("pods", "list"))
    gone = {**user.extra, "principalId": ["AROAAAAAAAAAAAAAAAAAA"]}
    assert not may(doors, Known(user.username, frozenset(), gone), attributes("pods", "list")), "made anew meanwhile"


def test_policies_count_only_where_access_entries_do(doors: Doors, name: str) -> None:
    role, user = entered(doors, name)
    doors.associate(role, "AmazonEKSViewPolicy")
    wait_until(lambda: may(doors, user, attributes("pods", "list")))
    doors.mode("CONFIG_MAP")
    wait_until(lambda: not may(doors, user, attributes("pods", "list")))
    doors.mode("API")
    wait_until(lambda: may(doors, user, attributes("pods", "list")))


def test_the_tables_are_those_of_reads_and_writes() -> None:
    """Every policy's rules are of verbs that there are."""
    verbs = {verb for rules in POLICIES.values() for rule in rules for verb in rule.verbs}
    assert verbs == {*READS, *WRITES, "impersonate", "*"}
    assert set(POLICIES["AmazonEKSViewPolicy"]) <= set(POLICIES["AmazonEKSEditPolicy"])
    assert set(POLICIES["AmazonEKSEditPolicy"]) <= set(POLICIES["AmazonEKSAdminPolicy"])
