# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Values that a release takes from live objects, which may be there only once the releases that it needs are ready."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError
from ansible_collections.ekspress.eks.plugins.module_utils._gates_plan import OBJECTS, WITHOUT_NAMESPACE
from ansible_collections.ekspress.eks.plugins.module_utils._helm_values import placed
from ansible_collections.ekspress.eks.plugins.module_utils._kubernetes import Kubernetes

PATH = re.compile(r"[A-Za-z][\w-]*(\[\d+\])*(\.[A-Za-z][\w-]*(\[\d+\])*)*")
STEP = re.compile(r"([\w-]+)|\[(\d+)\]")


@dataclass(frozen=True)
class Source:
    """A field of an object of the cluster, and where in a chart's values it goes."""

    kind: str
    """As gates name it."""
    name: str
    namespace: str
    path: str
    value: tuple[str, ...]
    """Keys, from the outermost one on."""

    @property
    def label(self) -> str:
        """What messages call it."""
        where = self.name if self.kind in WITHOUT_NAMESPACE else f"{self.namespace}/{self.name}"
        return f"{self.path} of {self.kind} {where}"

    @property
    def placeholder(self) -> str:
        """What stands in the values, and so in a diff, while the field is not there."""
        return f"(known once there is {self.label})"


def options() -> dict[str, Any]:
    """The argument spec of one source."""
    return {
        "kind": {"type": "str", "required": True, "choices": list(OBJECTS)},
        "name": {"type": "str", "required": True},
        "namespace": {"type": "str"},
        "path": {"type": "str", "required": True},
        "value": {"type": "str", "required": True},
    }


def parse(params: dict[str, Any], namespace: str, values: Mapping[str, Any], owner: str) -> Source:
    """A source from its options. Raises EksError where it contradicts itself or the values that are given."""
    kind, path, value = params["kind"], params["path"], params["value"]
    if not PATH.fullmatch(path):
        raise EksError(
            f"{owner}: {path!r} in values_from is no path of a field such as status.loadBalancer.ingress[0].hostname."
        )
    keys = tuple(value.split("."))
    if not all(keys):
        raise EksError(f"{owner}: {value!r} in values_from is no place in the chart's values, such as a.b.c.")
    inner: Any = values
    for position, key in enumerate(keys):
        if not isinstance(inner, Mapping) or (key in inner and position == len(keys) - 1):
            raise EksError(
                f"{owner}: the values give {'.'.join(keys[: position or 1])} already, which values_from is to fill: "
                "leave one of the two out."
            )
        inner = inner.get(key, {})
    where = "" if kind in WITHOUT_NAMESPACE else params.get("namespace") or namespace
    return Source(kind, params["name"], where, path, keys)


def field_of(item: Mapping[str, Any] | None, source: Source) -> str | int | float | bool | None:
    """The field of an object; None where it is not there (yet). Raises EksError where it is no single value."""
    found: Any = item
    for step in STEP.finditer(source.path):
        name, position = step[1], step[2]
        if position is not None:
            found = found[int(position)] if isinstance(found, list) and int(position) < len(found) else None
        else:
            found = found.get(name) if isinstance(found, Mapping) else None
        if found is None or found == "":
            return None
    if isinstance(found, str | int | float):
        return found
    raise EksError(f"values_from asks for {source.label}, which is a {type(found).__name__} and no single value.")


def read(kubernetes: Kubernetes, values: dict[str, Any], sources: Sequence[Source]) -> tuple[dict[str, Any], list[str]]:
    """Values with the fields of live objects in them, one GET each, and the labels of those that are not there."""
    missing = []
    for source in sources:
        item = kubernetes.find(kubernetes.paths.object(*OBJECTS[source.kind], source.name, source.namespace))
        found = field_of(item, source)
        if found is None:
            missing.append(source.label)
        values = placed(values, source.value, source.placeholder if found is None else found)
    return values, missing


def require(kubernetes: Kubernetes, values: dict[str, Any], sources: Sequence[Source]) -> dict[str, Any]:
    """Values with the fields of live objects in them. Raises EksError where one is not there."""
    made, missing = read(kubernetes, values, sources)
    if missing:
        raise EksError(
            f"A value comes from {' and from '.join(missing)}, which is not there although all that the release needs "
            "is ready. Give the release that makes it a gate that waits for it, and name that release in needs."
        )
    return made
