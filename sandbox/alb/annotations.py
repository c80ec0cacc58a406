# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Annotations of Ingresses and Services, read as the controller reads them.

https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/ingress/annotations/
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

PREFIX = "alb.ingress.kubernetes.io/"
# What the controller would do for these is not played; without a word it would look as if it were.
NOT_PLAYED = (
    "acm-pca-arn",
    "auth-idp-cognito",
    "auth-idp-oidc",
    "auth-type",
    "conditions.",
    "create-acm-cert",
    "customer-owned-ipv4-pool",
    "enable-frontend-nlb",
    "ipam-ipv4-pool-id",
    "jwt-validation",
    "listener-attributes.",
    "minimum-load-balancer-capacity",
    "mutual-authentication",
    "security-group-prefix-lists",
    "shield-advanced-protection",
    "target-control-port.",
    "transforms.",
    "use-regex-path-match",
    "waf-acl-id",
    "web-acl-id",
)
_TRUE, _FALSE = (
    frozenset({"1", "t", "T", "true", "TRUE", "True"}),
    frozenset({"0", "f", "F", "false", "FALSE", "False"}),
)
_INTEGER = re.compile(r"[+-]?\d+")


class ModelError(Exception):
    """Why no load balancer can be made of a group; the words are the controller's."""


class Annotations:
    """The annotations of an object, or of several of which the first one that has a name wins."""

    def __init__(self, *maps: Mapping[str, str] | None) -> None:
        self._values: dict[str, str] = {}
        for values in reversed(maps):
            self._values |= values or {}

    def text(self, name: str) -> str | None:
        """Return a text, None where there is none."""
        return self._values.get(PREFIX + name)

    def integer(self, name: str) -> int | None:
        """Return an integer."""
        raw = self.text(name)
        if raw is not None and not _INTEGER.fullmatch(raw):
            words = f'strconv.ParseInt: parsing "{raw}": invalid syntax'
            raise ModelError(f"failed to parse int32 annotation, {PREFIX}{name}: {raw}: {words}")
        return None if raw is None else int(raw)

    def boolean(self, name: str) -> bool | None:
        """Return a boolean."""
        raw = self.text(name)
        if raw is not None and raw not in _TRUE | _FALSE:
            words = f'strconv.ParseBool: parsing "{raw}": invalid syntax'
            raise ModelError(f"failed to parse bool annotation, {PREFIX}{name}: {raw}: {words}")
        return None if raw is None else raw in _TRUE

    def items(self, name: str) -> list[str] | None:
        """Return the parts between commas."""
        raw = self.text(name)
        return None if raw is None else [part.strip() for part in raw.split(",") if part.strip()]

    def mapping(self, name: str) -> dict[str, str]:
        """Return pairs of key and value, empty where there are none."""
        raw = self.text(name) or ""
        found = {}
        for pair in _pairs(raw):
            key, equals, value = pair.partition("=")
            if not equals or not key.strip():
                raise ModelError(f"failed to parse stringMap annotation, {PREFIX}{name}: {raw}")
            found[key.strip()] = value.strip()
        return found

    def document(self, name: str) -> Any:
        """Return the JSON of an annotation, None where there is none."""
        raw = self.text(name)
        if raw is None:
            return None
        try:
            return json.loads(raw)
        except ValueError as cause:
            raise ModelError(f"failed to parse json annotation, {PREFIX}{name}: {raw}: {cause}") from cause

    def not_played(self) -> list[str]:
        """Return the annotations that ask for what is not played here."""
        names = (key.removeprefix(PREFIX) for key in self._values if key.startswith(PREFIX))
        return sorted(
            name
            for name in names
            if any(name == other or (other.endswith(".") and name.startswith(other)) for other in NOT_PLAYED)
            and self._values[PREFIX + name] not in ("none", "false")
        )


def _pairs(raw: str) -> Iterator[str]:
    """Split at commas; a backslash takes the next character as it is, and a comma with no "=" after it is a value's."""
    pair, rest = "", raw.strip()
    while rest:
        if rest[0] == "\\" and len(rest) > 1:
            pair, rest = pair + rest[1], rest[2:]
        elif rest[0] == "," and ("=" in rest[1:] or rest[1:].strip()):
            yield pair.strip()
            pair, rest = "", rest[1:].strip()
        else:
            pair, rest = pair + rest[0], rest[1:]
    if pair:
        yield pair.strip()
