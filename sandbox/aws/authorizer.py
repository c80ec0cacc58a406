# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""EKS's authorizer: what the access policies of a caller's access entry allow, asked by the API server after RBAC.

The caller is known by what the authenticator says of it (``extra``), so a SubjectAccessReview with the same gets the
same answer, and whoever impersonates somebody has none of it. A policy never denies: it has no opinion.
https://docs.aws.amazon.com/eks/latest/userguide/access-policies.html
"""

from __future__ import annotations

import re
from typing import Any

from sandbox.aws.access import API_MODES, mode_of
from sandbox.aws.access_policies import ANY_PATH, POLICIES
from sandbox.aws.callers import canonical, unique_id
from sandbox.aws.state import State

Json = dict[str, Any]


def review(state: State, cluster: str, data: Json) -> Json:
    """Answer a SubjectAccessReview (authorization.k8s.io/v1)."""
    spec = data.get("spec", {})
    reason = _allowing(state, cluster, spec)
    status = {"allowed": True, "reason": reason} if reason else {"allowed": False}
    return {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "status": status}


def _allowing(state: State, cluster: str, spec: Json) -> str:
    """Return what allows it, '' where nothing does."""
    entry = _entry(state, cluster, spec.get("extra") or {})
    # A copy, as calls of AWS may change it meanwhile.
    for arn, association in list(entry.get("policies", {}).items()):
        name, scope = arn.rpartition("/")[2], association["accessScope"]
        if _allows(name, scope, spec):
            where = "the cluster" if scope["type"] == "cluster" else f"namespaces {', '.join(scope['namespaces'])}"
            return f"EKS access policy: {name} of {entry['principalArn']} for {where}"
    return ""


def _entry(state: State, cluster: str, extra: dict[str, list[str]]) -> Json:
    """Return the access entry of a caller, empty where there is none or it is of a principal that was made anew."""
    told = {key.lower(): values[0] for key, values in extra.items() if values}
    arn = told.get("canonicalarn") or told.get("arn", "")
    if not arn:
        return {}
    for key, entries in list(state.access_entries.items()):
        if key[2] != cluster or mode_of(key) not in API_MODES:
            continue
        for principal, entry in list(entries.items()):
            if canonical(principal).lower() == canonical(arn).lower():
                identifier = told.get("principalid") or unique_id(principal)
                return entry if identifier == entry["principalId"] else {}
    return {}


def _allows(policy: str, scope: Json, spec: Json) -> bool:
    attributes = spec.get("resourceAttributes")
    if attributes is None:
        return scope["type"] == "cluster" and policy in ANY_PATH
    namespace = attributes.get("namespace", "")
    if scope["type"] != "cluster" and not any(_matches(pattern, namespace) for pattern in scope["namespaces"]):
        return False
    resource = "/".join(filter(None, (attributes.get("resource", ""), attributes.get("subresource", ""))))
    group, verb = attributes.get("group", ""), attributes.get("verb", "")
    return any(rule.allows(group, resource, verb) for rule in POLICIES.get(policy, ()))


def _matches(pattern: str, namespace: str) -> bool:
    """Tell whether a namespace is one of a scope, in which ``*`` stands for any characters."""
    wanted = ".*".join(re.escape(part) for part in pattern.split("*"))
    return bool(namespace) and re.fullmatch(wanted, namespace) is not None
