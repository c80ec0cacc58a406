# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What people are asked for to prove the move to access entries, and as whom."""

from __future__ import annotations

from collections import Counter
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils._access_migration import REVIEWS
from ansible_collections.ekspress.eks.plugins.module_utils._access_migration_identity import Identity
from ansible_collections.ekspress.eks.plugins.module_utils._access_migration_reviews import (
    CORE,
    Rbac,
    Review,
    people,
)
from ansible_collections.ekspress.eks.plugins.module_utils._aws_auth_model import Entry as Mapped

ACCOUNT = "111122223333"
DEV = f"arn:aws:iam::{ACCOUNT}:role/dev"
DEEP = f"arn:aws:iam::{ACCOUNT}:role/teams/dev"
ANN = f"arn:aws:iam::{ACCOUNT}:user/people/ann"


def rbac(*subjects: dict[str, Any], rules: Any = ()) -> Rbac:
    binding = {
        "metadata": {"name": "b", "namespace": "team"},
        "roleRef": {"kind": "Role", "name": "r"},
        "subjects": list(subjects),
    }
    return Rbac([{"metadata": {"name": "r", "namespace": "team"}, "rules": list(rules)}], [], [binding], [])


def test_reviews() -> None:
    rules = [{"apiGroups": ["apps"], "resources": ["deployments/scale"], "verbs": ["patch"], "resourceNames": ["a"]}]
    people_of = {"kind": "Group", "name": "team"}
    chosen, left_out = rbac(people_of, rules=rules).reviews(100)
    assert (chosen[: len(CORE)], left_out) == (list(CORE), 0)
    assert chosen[len(CORE) :] == [Review("patch", "apps", "deployments/scale", "team", "a")]
    assert chosen[-1].attributes() == {
        "resourceAttributes": {
            "verb": "patch",
            "group": "apps",
            "resource": "deployments",
            "subresource": "scale",
            "namespace": "team",
            "name": "a",
        }
    }
    assert str(chosen[-1]) == "patch deployments/scale.apps a in team"
    assert rbac(people_of, rules=rules).reviews(1) == (list(CORE), 1)
    for subject in ({"kind": "ServiceAccount", "name": "x"}, {"kind": "Group", "name": "system:nodes"}):
        assert rbac(subject, rules=rules).reviews(100) == (list(CORE), 0)
    assert len(CORE) == len(set(CORE))


def test_a_sample_has_every_bound_role_and_verb() -> None:
    """Within the default, though a role comes first by its name that fills it alone, or is bound a hundred times."""
    verbs = ["create", "delete", "get", "list", "patch", "update", "watch"]
    kinds = [f"kinds{number}" for number in range(30)]

    def cluster_role(name: str, group: str, verbs: list[str]) -> dict[str, Any]:
        return {"metadata": {"name": name}, "rules": [{"apiGroups": [group], "resources": kinds, "verbs": verbs}]}

    def binding(role: str, namespace: str) -> dict[str, Any]:
        return {
            "metadata": {"name": role, **({"namespace": namespace} if namespace else {})},
            "roleRef": {"kind": "ClusterRole", "name": role},
            "subjects": [{"kind": "Group", "name": "team"}],
        }

    names = [f"role{number:02}" for number in range(40)]
    roles = [cluster_role(name, name, verbs) for name in names]
    roles += [cluster_role("a-first", "first", verbs), cluster_role("z-last", "last", ["get"])]
    inside = [binding("a-first", f"team{number:03}") for number in range(100)]
    found = Rbac([], roles, inside, [binding(name, "") for name in [*names, "z-last"]])
    chosen, left_out = found.reviews(REVIEWS)
    assert len(chosen) == len(set(chosen)) == REVIEWS
    assert left_out == 40 * 30 * 7 + 100 * 30 * 7 + 30 - (REVIEWS - len(CORE))
    sample = chosen[len(CORE) :]
    assert {review.group for review in sample} == {*names, "first", "last"}
    assert {review.verb for review in sample} == set(verbs)
    assert len({review.resource for review in sample}) > 20
    assert found.reviews(REVIEWS) == (chosen, left_out)
    whole, none = found.reviews(100_000)
    assert (len(whole), none) == (left_out + REVIEWS, 0)
    # A role alone is asked for by its verbs alike, and in all of its namespaces.
    alone, _left = Rbac([], roles, inside, []).reviews(REVIEWS)
    counts = Counter(review.verb for review in alone[len(CORE) :])
    assert max(counts.values()) - min(counts.values()) <= 1
    assert len({review.namespace for review in alone}) > 10


def test_cluster_wide_reviews() -> None:
    role_of = {"metadata": {"name": "r"}, "rules": [{"nonResourceURLs": ["/x"], "verbs": ["get"]}]}
    binding = {
        "metadata": {"name": "b"},
        "roleRef": {"kind": "ClusterRole", "name": "r"},
        "subjects": [{"kind": "User", "name": "dev:ann"}, {"kind": "User", "name": "system:kube-proxy"}],
    }
    found = Rbac([], [role_of], [], [binding])
    assert found.reviews(100)[0][-1] == Review("get", path="/x")
    assert found.users() == ["dev:ann", "system:kube-proxy"]


def test_people_are_tried_by_the_names_that_bindings_have() -> None:
    item = Identity(Mapped(DEV, "dev:{{SessionName}}", ("team",)), DEEP, "STANDARD", "dev:{{SessionName}}", ("team",))
    tried = people(item, ["dev:ann", "dev:", "ops:bob", "dev:cy", "dev:dan"])
    assert [person.session for person in tried] == ["ann", "cy", "ekspress-proof"]
    assert tried[0].before() == {"user": "dev:ann", "groups": ["team", "system:authenticated"]}
    assert tried[0].after() == {
        "user": "dev:ann",
        "groups": ["team", "system:authenticated"],
        "extra": {
            "arn": [f"arn:aws:sts::{ACCOUNT}:assumed-role/dev/ann"],
            "canonicalArn": [DEV],
            "sessionName": ["ann"],
        },
    }
    ann = Identity(Mapped(ANN, "ann"), ANN, "STANDARD", "ann")
    assert [person.after()["extra"]["canonicalArn"] for person in people(ann, [])] == [[ANN]]


def test_a_session_with_an_at_sign() -> None:
    item = Identity(Mapped(DEV, "x:{{SessionNameRaw}}"), DEEP, "STANDARD", "x:{{SessionNameRaw}}")
    assert people(item, ["x:ann@b.c"])[0].before()["user"] == "x:ann@b.c"
