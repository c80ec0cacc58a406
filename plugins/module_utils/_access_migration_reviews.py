# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What is asked of the API server to see that nobody's rights have changed: access reviews. Pure.

https://kubernetes.io/docs/reference/access-authn-authz/authorization/#checking-api-access
"""

from __future__ import annotations

import itertools
import re
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils._access_entries_guards import EVERYBODY
from ansible_collections.ekspress.eks.plugins.module_utils._access_migration_identity import Identity

Json = dict[str, Any]

SAMPLES = 3
"""Sessions of a role that are tried at most."""
SESSION = "ekspress-proof"
"""The name of the session where RBAC names none."""


@dataclass(frozen=True, order=True)
class Review:
    """One thing that somebody may do or not."""

    verb: str
    group: str = ""
    resource: str = ""
    """With its subresource after a slash."""
    namespace: str = ""
    name: str = ""
    path: str = ""
    """Of a URL that is no resource."""

    def attributes(self) -> Json:
        """The part of a SubjectAccessReview's spec that says what is asked."""
        if self.path:
            return {"nonResourceAttributes": {"verb": self.verb, "path": self.path}}
        resource, _slash, subresource = self.resource.partition("/")
        found = {
            "verb": self.verb,
            "group": self.group,
            "resource": resource,
            "subresource": subresource,
            "namespace": self.namespace,
            "name": self.name,
        }
        return {"resourceAttributes": {key: value for key, value in found.items() if value}}

    def __str__(self) -> str:
        if self.path:
            return f"{self.verb} {self.path}"
        kind = f"{self.resource}.{self.group}" if self.group else self.resource
        name = f" {self.name}" if self.name else ""
        return f"{self.verb} {kind}{name} {f'in {self.namespace}' if self.namespace else 'in the whole cluster'}"


CORE = (
    Review("*", "*", "*"),
    Review("get", path="/metrics"),
    Review("get", path="/version"),
    *(
        Review(verb, "", resource, namespace)
        for namespace in ("default", "kube-system")
        for verb, resource in (
            ("get", "pods"),
            ("list", "secrets"),
            ("create", "pods/exec"),
            ("get", "pods/log"),
            ("create", "pods/portforward"),
            ("delete", "pods"),
            ("update", "configmaps"),
            ("create", "serviceaccounts/token"),
        )
    ),
    Review("update", "apps", "deployments", "default"),
    Review("create", "rbac.authorization.k8s.io", "rolebindings", "default"),
    Review("list", "", "pods"),
    Review("list", "", "secrets"),
    Review("list", "", "nodes"),
    Review("delete", "", "nodes"),
    Review("create", "", "namespaces"),
    Review("impersonate", "", "users"),
    Review("impersonate", "", "groups"),
    Review("create", "rbac.authorization.k8s.io", "clusterrolebindings"),
    Review("escalate", "rbac.authorization.k8s.io", "clusterroles"),
    Review("create", "apiextensions.k8s.io", "customresourcedefinitions"),
    Review("create", "authorization.k8s.io", "selfsubjectaccessreviews"),
)
"""Asked for everybody, whatever RBAC says."""


@dataclass(frozen=True)
class Rbac:
    """The objects of RBAC that a cluster has."""

    roles: list[Json]
    cluster_roles: list[Json]
    role_bindings: list[Json]
    cluster_role_bindings: list[Json]

    def reviews(self, most: int) -> tuple[list[Review], int]:
        """At most so many reviews, CORE first, and how many more there would be.

        What roles allow is asked for where they are bound to people: in the binding's namespace, or in the cluster.
        Where that is too much something is asked of every role, by all of the verbs.
        """
        granted: dict[str, dict[str, list[set[Review]]]] = defaultdict(lambda: defaultdict(list))
        for role, reviews in self._granted():
            for verb, of_verb in _by_verb(reviews).items():
                granted[role][verb].append(of_verb)
        others = {review for verbs in granted.values() for sets in verbs.values() for each in sets for review in each}
        others -= set(CORE)
        chosen = _spread(granted, max(most - len(CORE), 0))
        return [*CORE, *chosen], len(others) - len(chosen)

    def _granted(self) -> Iterator[tuple[str, set[Review]]]:
        """What each binding's role allows, by a name of the role."""
        roles = {(item["metadata"]["namespace"], item["metadata"]["name"]): item for item in self.roles}
        everything = roles | {("", item["metadata"]["name"]): item for item in self.cluster_roles}
        for binding in [*self.role_bindings, *self.cluster_role_bindings]:
            if not _people(binding):
                continue
            namespace = binding["metadata"].get("namespace", "")
            reference = binding["roleRef"]
            place = namespace if reference["kind"] == "Role" else ""
            role = everything.get((place, reference["name"]), {})
            rules = role.get("rules") or []
            yield f"{place}/{reference['name']}", {item for rule in rules for item in _of_rule(rule, namespace)}

    def users(self) -> list[str]:
        """The users that bindings name."""
        return sorted(
            {
                subject["name"]
                for binding in [*self.role_bindings, *self.cluster_role_bindings]
                for subject in binding.get("subjects") or []
                if subject.get("kind") == "User"
            }
        )


def _by_verb(reviews: Iterable[Review]) -> dict[str, set[Review]]:
    found: dict[str, set[Review]] = defaultdict(set)
    for review in reviews:
        found[review.verb].add(review)
    return found


def _spread(granted: Mapping[str, Mapping[str, list[set[Review]]]], most: int) -> list[Review]:
    """At most so many reviews beside CORE: of all roles in turn, each time by the verb that was asked for least yet.

    Args:
        granted: what roles allow, by role and verb, a set for each binding.
        most: how many.
    """
    queues = {
        role: {verb: _in_turn([_mixed(each - set(CORE)) for each in sets]) for verb, sets in verbs.items()}
        for role, verbs in sorted(granted.items())
    }
    chosen: dict[Review, None] = {}
    of_role: Counter[tuple[str, str]] = Counter()
    of_verb: Counter[str] = Counter()
    while queues and len(chosen) < most:
        for role in list(queues)[: most - len(chosen)]:
            review = None
            while review is None and queues[role]:
                verb = min((of_role[role, each], of_verb[each], each) for each in queues[role])[2]
                review = next((item for item in queues[role][verb] if item not in chosen), None)
                if review is None:
                    del queues[role][verb]
            if review is None:
                del queues[role]
                continue
            chosen[review] = None
            of_role[role, review.verb] += 1
            of_verb[review.verb] += 1
    return list(chosen)


def _mixed(reviews: Iterable[Review]) -> list[Review]:
    """In an order of no meaning that is always the same: no API group comes before all of another."""
    return sorted(reviews, key=lambda review: (zlib.crc32(str(review).encode()), review))


def _in_turn(lists: list[list[Review]]) -> Iterator[Review]:
    """The items of several lists, one of each in turn."""
    for items in itertools.zip_longest(*lists):
        yield from (item for item in items if item is not None)


_NOT_PEOPLE = ("system:serviceaccounts", "system:nodes")


def _people(binding: Json) -> bool:
    """Whether a binding has a subject that somebody of aws-auth can be; Kubernetes' own users and nodes are none."""
    return any(
        (subject.get("kind") == "Group" and not subject["name"].startswith(_NOT_PEOPLE))
        or (subject.get("kind") == "User" and not subject["name"].startswith("system:"))
        for subject in binding.get("subjects") or []
    )


def _of_rule(rule: Json, namespace: str) -> Iterator[Review]:
    for verb in rule.get("verbs") or []:
        for path in rule.get("nonResourceURLs") or [] if not namespace else []:
            yield Review(verb, path=path)
        for group in rule.get("apiGroups") or []:
            for resource in rule.get("resources") or []:
                for name in rule.get("resourceNames") or [""]:
                    yield Review(verb, group, resource, namespace, name)


@dataclass(frozen=True)
class Person:
    """Somebody who enters, as the API server knows them before and after."""

    identity: Identity
    session: str
    """'' for a user."""

    def before(self) -> Json:
        """By aws-auth."""
        mapped = self.identity.mapped
        groups = [self._rendered(group) for group in mapped.groups]
        return {"user": self._rendered(mapped.username), "groups": [*groups, EVERYBODY]}

    def after(self) -> Json:
        """By the access entry, with what EKS's own authorizer knows a caller by.

        https://github.com/kubernetes-sigs/aws-iam-authenticator/blob/v0.6.13/pkg/server/server.go
        """
        item = self.identity
        parts = item.principal.split(":")
        name = item.principal.rpartition("/")[2]
        canonical, arn = item.principal, item.principal
        if self.session:
            canonical = f"arn:{parts[1]}:iam::{parts[4]}:role/{name}"
            arn = f"arn:{parts[1]}:sts::{parts[4]}:assumed-role/{name}/{self.session}"
        return {
            "user": self._rendered(item.username),
            "groups": [*item.groups, EVERYBODY],
            "extra": {"arn": [arn], "canonicalArn": [canonical], "sessionName": [self.session]},
        }

    def _rendered(self, text: str) -> str:
        account = self.identity.principal.split(":")[4]
        values = {
            "{{SessionName}}": self.session.replace("@", "-"),
            "{{SessionNameRaw}}": self.session,
            "{{AccountID}}": account,
        }
        for placeholder, value in values.items():
            text = text.replace(placeholder, value)
        return text


def people(item: Identity, users: Iterable[str]) -> list[Person]:
    """Those who are tried of one identity: of a role, sessions by whose names bindings know them, and another one."""
    if ":user/" in item.principal:
        return [Person(item, "")]
    sessions = _sessions(item.mapped.username, users)
    return [Person(item, session) for session in [*sessions[: SAMPLES - 1], SESSION]]


def _sessions(template: str, users: Iterable[str]) -> list[str]:
    """The names of sessions that make a username of a template."""
    parts = re.split(r"\{\{SessionName(?:Raw)?\}\}", template)
    if len(parts) != 2:
        return []
    pattern = re.compile(f"{re.escape(parts[0])}([\\w+=,.@-]{{2,64}}){re.escape(parts[1])}")
    return [match[1] for match in map(pattern.fullmatch, users) if match]


def spec(person: Mapping[str, Any], review: Review) -> Json:
    """A SubjectAccessReview."""
    return {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {**person, **review.attributes()},
    }
