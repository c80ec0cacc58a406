# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""How aws-iam-authenticator reads the texts of aws-auth, the long way: YAML to JSON to mappings by ARN.

Written from its source, and from what that source calls, and apart from the module's own reading:
https://github.com/kubernetes-sigs/aws-iam-authenticator/blob/v0.6.13/pkg/mapper/configmap/configmap.go
https://github.com/kubernetes-sigs/yaml/blob/v1.3.0/yaml.go
https://github.com/go-yaml/yaml/blob/v2.4.0/resolve.go
https://pkg.go.dev/encoding/json#Unmarshal
"""

from __future__ import annotations

import math
import re
from typing import Any, ClassVar

import yaml

Mapping = tuple[str, tuple[str, ...]]
"""Username and groups."""

_KEYS = {"roles": "rolearn", "users": "userarn"}
_WORDS = {
    word: meaning for words, meaning in (("y yes true on", True), ("n no false off", False)) for word in words.split()
}
_FLOAT = re.compile(r"^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$")
_OTHER_TYPES = {"tag:yaml.org,2002:int": 1, "tag:yaml.org,2002:float": 1.5, "tag:yaml.org,2002:bool": True}
_PLAIN = "untagged and not quoted"


class BrokenError(Exception):
    """The authenticator reads nothing of the text."""


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Composes nodes and tells those whose type Go would decide on."""

    yaml_implicit_resolvers: ClassVar[dict[Any, Any]] = {None: [(_PLAIN, re.compile(".*", re.DOTALL))]}


def mappings(section: str, text: str) -> dict[str, Mapping]:
    """What each ARN in small letters is mapped to. An account is mapped to nothing. Raises BrokenError."""
    if text.strip() in ("", "``", '""', "''"):
        return {}
    try:
        loader = _Loader(text)
        node = loader.get_node() if loader.check_node() else None
    except yaml.YAMLError as error:
        raise BrokenError(str(error)) from error
    if section == "accounts":
        children = node.value if isinstance(node, yaml.SequenceNode) else []
        items = [item for item in children if isinstance(item, yaml.ScalarNode)]
        return {"" if _is_nothing(item) else item.value: ("", ()) for item in items}
    value = _json(node) if node else None
    found = {}
    for item in value if isinstance(value, list) else []:
        arn, username, groups = _decoded(item if isinstance(item, dict) else {}, _KEYS[section])
        found[arn.lower()] = (username, groups)
    return found


def same(one: dict[str, Mapping], other: dict[str, Mapping]) -> bool:
    """Whether two readings agree; RBAC does not know an order of groups."""
    return {key: (name, set(groups)) for key, (name, groups) in one.items()} == {
        key: (name, set(groups)) for key, (name, groups) in other.items()
    }


def _is_nothing(node: yaml.Node) -> bool:
    return node.tag == _PLAIN and node.value in ("", "~", "null", "Null", "NULL")


def _json(node: yaml.Node) -> Any:
    if isinstance(node, yaml.SequenceNode):
        return [_json(child) for child in node.value]
    if isinstance(node, yaml.MappingNode):
        found: dict[str, Any] = {}
        _fill(found, node)
        return found
    value = _scalar(node)
    if isinstance(value, float) and not math.isfinite(value):
        raise BrokenError("JSON has no such number")
    return value


def _fill(found: dict[str, Any], node: yaml.MappingNode) -> None:
    for key, value in node.value:
        if key.tag == _PLAIN and key.value == "<<":
            for source in reversed(value.value) if isinstance(value, yaml.SequenceNode) else [value]:
                if not isinstance(source, yaml.MappingNode):
                    raise BrokenError("map merge requires map or sequence of maps as the value")
                _fill(found, source)
            continue
        if not isinstance(key, yaml.ScalarNode) or _scalar(key) is None:
            raise BrokenError("unsupported key")
        name = _scalar(key)
        found[name if isinstance(name, str) else f"not a string: {name}"] = _json(value)


def _scalar(node: yaml.Node) -> Any:
    text = node.value
    if node.tag in _OTHER_TYPES:
        return _OTHER_TYPES[node.tag]
    if node.tag != _PLAIN or (text and text[0] not in "yYnNtTfFoO~.+-0123456789"):
        return text
    if text in ("", "~", "null", "Null", "NULL"):
        return None
    if text.lower() in _WORDS and text in (text.lower(), text.title(), text.upper()):
        return _WORDS[text.lower()]
    if text in (".nan", ".NaN", ".NAN") or text.lstrip("+-") in (".inf", ".Inf", ".INF"):
        return math.inf
    return _number(text)


def _number(text: str) -> int | float | str:
    """A number, or the text where Go finds none; timestamps stay texts."""
    digits = text.replace("_", "")
    unsigned = digits.lstrip("+-") if digits[:1] in "+-" and digits[1:2] not in "+-" else digits
    for prefix, base in (("0x", 16), ("0b", 2), ("0o", 8)):
        if unsigned[:2].lower() == prefix and unsigned[2:].isalnum():
            try:
                value = int(unsigned[2:], base)
            except ValueError:
                return text
            return value if value < 2**64 else text
    if text[0] in "+-0123456789." and _FLOAT.match(digits) and "._" not in text:
        return float(digits) if math.isfinite(float(digits)) else text
    return text


def _decoded(item: dict[str, Any], arn_key: str) -> tuple[str, str, tuple[str, ...]]:
    """An object put into Go's struct: keys in byte order and any case, null and wrong types passed by."""
    texts = {arn_key: "", "username": ""}
    groups: tuple[str, ...] = ()
    for key in sorted(item, key=lambda name: name.encode()):
        name, value = key.casefold(), item[key]
        if name in texts and isinstance(value, str):
            texts[name] = value
        elif name == "groups" and value is None:
            groups = ()
        elif name == "groups" and isinstance(value, list):
            groups = tuple(group if isinstance(group, str) else "" for group in value)
    return texts[arn_key], texts["username"], groups
