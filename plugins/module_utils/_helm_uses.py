# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Why a release must not be removed yet: pure judgements on objects that need it, or that would go with it."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError

OWNER = ("meta.helm.sh/release-namespace", "meta.helm.sh/release-name")
"""Annotations of Helm's on the objects of a release."""

CLASS_ANNOTATION = "kubernetes.io/ingress.class"
"""The older way to say a class, which other kinds of ingress controllers have too."""

WORKLOADS = frozenset({"ReplicaSet", "Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob"})
"""Kinds whose controllers make objects: these count by what they belong to."""

HELM_RECORD = "helm.sh/release.v1"
MADE_EVERYWHERE = (("ConfigMap", "kube-root-ca.crt"),)
"""Objects that Kubernetes makes in every namespace."""

TOKEN = "kubernetes.io/service-account-token"

DELETE = "Delete them before, then run again."


@dataclass(frozen=True)
class Use:
    """Objects of a kind because of which a release must stay; with several conditions all of them must hold."""

    api_version: str
    kind: str
    finalizers: tuple[str, ...] = ()
    """It takes these away, else they cannot be deleted. One ending with a slash stands for all beginning so."""
    label_selector: str = ""
    ingress_class: str = ""
    """It serves those of this class."""
    namespace: str = ""
    """Those in this namespace, which goes with it where nothing else is said."""
    name: str = ""
    annotation: str = ""
    pattern: str = ""
    """While this is found in the annotation nothing deletes the object, not even where it is the release's own."""
    advice: str = DELETE

    @property
    def reason(self) -> str:
        """What the objects would come to, after their names."""
        if self.finalizers:
            return (
                "could not be deleted any more without it, as it is what takes their finalizers away once it has "
                "cleaned up"
            )
        if self.annotation:
            return f"would never be gone, as its annotation {self.annotation} protects it"
        if self.ingress_class:
            return f"would be served by nothing any more, as their class is {self.ingress_class}"
        return f"would be deleted with the namespace {self.namespace}, and are not of the releases that are removed"

    def counts(self, item: dict[str, Any], going: Collection[tuple[str, str]]) -> bool:
        """Whether nobody is about to delete such an object."""
        if item["metadata"].get("deletionTimestamp"):
            return False
        return bool(self.annotation) or of_release(item) not in going

    def holds(self, item: dict[str, Any], going: Collection[tuple[str, str]] = ()) -> bool:
        """Whether an object of the kind is such; ``going`` are the releases that are removed in this run."""
        found = item["metadata"].get("finalizers") or []
        if self.finalizers and not any(
            name == own or (own.endswith("/") and name.startswith(own)) for name in found for own in self.finalizers
        ):
            return False
        if self.ingress_class and self.ingress_class not in _classes(item):
            return False
        if self.name and self.name != item["metadata"]["name"]:
            return False
        if self.annotation:
            text = (item["metadata"].get("annotations") or {}).get(self.annotation)
            return text is not None and re.search(self.pattern, text) is not None
        return bool(self.finalizers or self.ingress_class) or not _belongs({"kind": self.kind, **item}, going)


def options() -> dict[str, Any]:
    """The argument spec of used_by."""
    texts = ("label_selector", "ingress_class", "namespace", "name", "annotation", "pattern")
    entry = {
        "api_version": {"type": "str", "required": True},
        "kind": {"type": "str", "required": True},
        "finalizers": {"type": "list", "elements": "str", "default": []},
        **{name: {"type": "str", "default": ""} for name in texts},
        "advice": {"type": "str", "default": DELETE},
    }
    return {"used_by": {"type": "list", "elements": "dict", "default": [], "options": entry}}


def uses(entries: Sequence[dict[str, Any]], owner: str) -> tuple[Use, ...]:
    """From options. Raises EksError where one says nothing of which objects count, or its pattern is none."""
    for entry in entries:
        start = f"{owner}: used_by has {entry['kind']}"
        if not (entry["finalizers"] or entry["ingress_class"] or entry["namespace"]):
            raise EksError(
                f"{start} without finalizers, ingress_class and namespace, so that every object of the kind would "
                "need it: give one of them."
            )
        try:
            re.compile(entry["pattern"])
        except re.error as error:
            raise EksError(f"{start} with the pattern {entry['pattern']!r}, no regular expression: {error}.") from error
    return tuple(Use(**{**entry, "finalizers": tuple(entry["finalizers"])}) for entry in entries)


def of_release(item: dict[str, Any]) -> tuple[str, str]:
    """The release that an object is of, as far as Helm's annotations tell; two empty texts where it is of none."""
    annotations = item["metadata"].get("annotations") or {}
    return annotations.get(OWNER[0], ""), annotations.get(OWNER[1], "")


def label(item: dict[str, Any]) -> str:
    """What messages call an object."""
    meta = item["metadata"]
    where = f"{meta['namespace']}/" if meta.get("namespace") else ""
    return f"{item['kind']} {where}{meta['name']}"


def _classes(item: dict[str, Any]) -> set[str]:
    annotations = item["metadata"].get("annotations") or {}
    return {str(name) for name in ((item.get("spec") or {}).get("ingressClassName"), annotations.get(CLASS_ANNOTATION))}


def _belongs(item: dict[str, Any], going: Collection[tuple[str, str]]) -> bool:
    """Whether an object needs no mention of its own, as what it belongs to has one or goes itself."""
    meta = item["metadata"]
    if any(owner.get("controller") and owner.get("kind") in WORKLOADS for owner in meta.get("ownerReferences") or []):
        return True
    if (item["kind"], meta["name"]) in MADE_EVERYWHERE or item.get("type") == TOKEN:
        return True
    if item.get("type") == HELM_RECORD:
        return (meta.get("namespace", ""), (meta.get("labels") or {}).get("name", "")) in going
    return False
