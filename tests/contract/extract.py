# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Plain facts of upstream charts: which values there are, their types, defaults and allowed values, and what IAM and
event documents say.

The charts' own files lie beside the project (``../shared/upstream``, one folder a chart) and are not part of it; the
facts are committed, so that the contract tests run in any clone. No comments and no descriptions are taken.

Run ``python -m tests.contract.extract`` to write the facts of every chart that a role pins.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
UPSTREAM = ROOT.parent / "shared" / "upstream"
FACTS = Path(__file__).resolve().parent / "facts"

CHARTS = (
    "aws-load-balancer-controller",
    "aws-node-termination-handler",
    "cluster-autoscaler",
    "external-dns",
    "traefik",
)
"""The charts whose facts are committed."""

OPEN = {"cluster-autoscaler": ("extraArgs",)}
"""Maps that have keys by default and take any other too: the autoscaler's flags."""

PARTITION_DOCUMENTS = {
    "iam_policy": "aws",
    "iam_policy_cn": "aws-cn",
    "iam_policy_eusc": "aws-eusc",
    "iam_policy_iso": "aws-iso",
    "iam_policy_isob": "aws-iso-b",
    "iam_policy_isoe": "aws-iso-e",
    "iam_policy_isof": "aws-iso-f",
    "iam_policy_us-gov": "aws-us-gov",
}
ANY_PARTITION = "${Partition}"

TYPES = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}
ANY = "any"
SCALARS = (bool, int, float, str)

EVENT_PATTERNS = "eventbridge_event_patterns.json"


def facts_of(chart: str, upstream: Path = UPSTREAM) -> dict[str, Any]:
    """The facts of one chart."""
    folder = upstream / chart
    description = yaml.safe_load((folder / "Chart.yaml").read_text())
    values = dict(value_facts("", yaml.safe_load((folder / "values.yaml").read_text()) or {}))
    schema = folder / "values.schema.json"
    if schema.exists():
        document = json.loads(schema.read_text())
        for path, found in schema_facts("", document, document):
            values[path] = {**values.get(path, {}), **found}
    for path in OPEN.get(chart, ()):
        values[path]["open"] = True
    facts = {
        "chart": description["name"],
        "version": str(description["version"]),
        "app_version": str(description.get("appVersion", "")),
        "values": dict(sorted(values.items())),
    }
    documents = sorted((folder / "iam").glob("*.json"))
    if documents:
        facts["iam"] = iam_facts(documents)
    events = folder / EVENT_PATTERNS
    if events.exists():
        facts["event_patterns"] = json.loads(events.read_text())
    return facts


def value_facts(path: str, values: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Path and type of every value of a values.yaml, a scalar's default; {} is open to any key, null to any type."""
    for key, value in values.items():
        here = f"{path}.{key}".removeprefix(".")
        if value is None:
            yield here, {"type": ANY}
        elif value == {}:
            yield here, {"type": "object", "open": True}
        else:
            yield here, {"type": TYPES[type(value)]} | ({"default": value} if isinstance(value, SCALARS) else {})
            if isinstance(value, dict):
                yield from value_facts(here, value)


def schema_facts(path: str, node: dict[str, Any], document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Path, type, allowed values and openness of every property of a JSON schema."""
    for key, raw in node.get("properties", {}).items():
        here = f"{path}.{key}".removeprefix(".")
        found = _resolved(raw, document)
        kinds = [kind for kind in _kinds(found) if kind != "null"]
        fact: dict[str, Any] = {"type": kinds[0] if len(kinds) == 1 else ANY}
        if "enum" in found:
            fact["allowed"] = found["enum"]
        if not found.get("properties") and found.get("additionalProperties") is not False:
            fact["open"] = True
        yield here, fact
        yield from schema_facts(here, found, document)


def _resolved(node: Any, document: dict[str, Any]) -> dict[str, Any]:
    if not isinstance(node, dict):
        return {}
    reference = node.get("$ref", "")
    if not reference.startswith("#/"):
        return node
    target: Any = document
    for part in reference.removeprefix("#/").split("/"):
        target = target.get(part, {})
    return _resolved(target, document)


def _kinds(node: dict[str, Any]) -> list[str]:
    kinds = node.get("type", [])
    return list(kinds) if isinstance(kinds, list) else [kinds]


def iam_facts(documents: list[Path]) -> list[dict[str, Any]]:
    """The statements of each IAM document, by the file's name.

    Where there is one for each partition they are called ``controller``, and those that differ in nothing but the
    partition are one.
    """
    found: list[dict[str, Any]] = []
    partitioned = len({path.stem for path in documents} & set(PARTITION_DOCUMENTS)) > 1
    for path in documents:
        partition = PARTITION_DOCUMENTS.get(path.stem) if partitioned else None
        text = path.read_text()
        if partition:
            text = text.replace(f"arn:{partition}:", f"arn:{ANY_PARTITION}:")
        statements = sorted((_statement(item) for item in _statements_in(json.loads(text))), key=json.dumps)
        name = "controller" if partition else path.stem
        same = [each for each in found if each["document"] == name and each["statements"] == statements]
        if not same:
            found.append({"document": name, "partitions": [], "statements": statements})
            same = found[-1:]
        if partition:
            same[0]["partitions"].append(partition)
    return found


def _statements_in(document: Any) -> list[dict[str, Any]]:
    """The statements of a policy, or the one that a file holds; none where it holds something else."""
    if isinstance(document, dict) and "Effect" in document:
        return [document]
    return list(document.get("Statement", [])) if isinstance(document, dict) else []


def _statement(statement: dict[str, Any]) -> dict[str, Any]:
    found = {
        "effect": statement["Effect"],
        "actions": sorted(listed(statement["Action"])),
        "resources": sorted(listed(statement["Resource"])),
        "conditions": statement.get("Condition", {}),
    }
    if "Principal" in statement:
        found["principals"] = {kind: sorted(listed(names)) for kind, names in statement["Principal"].items()}
    return found


def listed(value: Any) -> list[Any]:
    """A value of a policy that may be one or a list, as a list."""
    return value if isinstance(value, list) else [value]


def path_of(facts: dict[str, Any]) -> Path:
    """Where the facts of a chart's version are kept."""
    return FACTS / f"{facts['chart']}-{facts['version']}.json"


def text_of(facts: dict[str, Any]) -> str:
    """The facts as they are kept."""
    return json.dumps(facts, indent=1, ensure_ascii=True) + "\n"


def main() -> None:
    """Write the facts of every chart."""
    for chart in CHARTS:
        facts = facts_of(chart)
        path_of(facts).write_text(text_of(facts))
        sys.stdout.write(f"{path_of(facts).relative_to(ROOT)}: {len(facts['values'])} values\n")


if __name__ == "__main__":
    main()
