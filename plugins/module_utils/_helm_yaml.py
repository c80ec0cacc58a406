# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""YAML as Helm and Kubernetes read it: neither dates nor numbers to base 60, other numbers and booleans than Python's.

https://pkg.go.dev/sigs.k8s.io/yaml and, for what is a number, https://pkg.go.dev/strconv#ParseInt with base 0
"""

from __future__ import annotations

import re
from typing import Any

try:
    import yaml
    from ansible.module_utils.common.yaml import SafeLoader
except ImportError:
    # Where Python has no YAML the module says so once it needs it.
    yaml = None  # type: ignore[assignment]
    SafeLoader = object  # type: ignore[assignment,misc]

TRUE = frozenset({"y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"})
FALSE = frozenset({"n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"})

BOOLEAN = re.compile(f"^({'|'.join(sorted(TRUE | FALSE))})$")
NUMBER = re.compile(r"^[-+]?(\.[0-9]|[0-9])[0-9a-zA-Z_.+-]*$|^[-+]?\.(inf|Inf|INF)$|^\.(nan|NaN|NAN)$")
"""What may be a number; whether it is one is tried."""

INTEGER = re.compile(
    r"(?P<sign>[-+]?)(0[xX](?P<hex>[0-9a-fA-F]+)|0[bB](?P<bin>[01]+)|0[oO]?(?P<oct>[0-7]+)|(?P<dec>0|[1-9]\d*))"
)
FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
BASES = {"hex": 16, "bin": 2, "oct": 8, "dec": 10}
MOST = 2**64
"""Go's integers; what is beyond is a float."""


def number(text: str) -> int | float | str:
    """A number, or the text where it is none. A float without a fraction is an integer, as in JSON."""
    plain = text.replace("_", "")
    found = INTEGER.fullmatch(plain)
    if found:
        digits, base = next((found[name], base) for name, base in BASES.items() if found[name])
        made = int(digits, base) * (-1 if found["sign"] == "-" else 1)
        if -MOST // 2 <= made < MOST:
            return made
    if FLOAT.fullmatch(plain):
        value = float(plain)
        return int(value) if value.is_integer() and abs(value) < MOST else value
    if plain.lower().lstrip("+-") in (".inf", ".nan"):
        return float(plain.lower().replace(".", "", 1))
    return text


class _Loader(SafeLoader):
    """Reads one text."""


def load_all(text: str) -> list[Any]:
    """The documents of a text. Raises whatever the YAML library raises for what is not YAML."""
    return list(yaml.load_all(text, Loader=_Loader))


def _set_up() -> None:
    kept = ("tag:yaml.org,2002:null", "tag:yaml.org,2002:merge")
    _Loader.yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag in kept]
        for first, resolvers in SafeLoader.yaml_implicit_resolvers.items()
    }
    _Loader.add_implicit_resolver("tag:yaml.org,2002:bool", BOOLEAN, sorted({text[0] for text in TRUE | FALSE}))
    _Loader.add_implicit_resolver("tag:yaml.org,2002:float", NUMBER, list("-+.0123456789"))
    _Loader.add_constructor("tag:yaml.org,2002:bool", lambda _loader, node: node.value in TRUE)
    _Loader.add_constructor("tag:yaml.org,2002:float", lambda _loader, node: number(node.value))


if yaml is not None:
    _set_up()
