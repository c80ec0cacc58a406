# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a kubeconfig says of one context: its cluster, its user and itself."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError

EXEC_VERSION = "client.authentication.k8s.io/v1"
MARK = "ekspress.eks"
"""Name of the extension by which an entry is known as ours; clients keep extensions, and pass over unknown ones."""
PEM = re.compile(r"-----BEGIN CERTIFICATE-----\s+([A-Za-z0-9+/=\s]+?)-----END CERTIFICATE-----")
INSECURE = ("insecure-skip-tls-verify", "certificate-authority")
"""Fields of a cluster that would take the place of our CA certificates."""
HINT = "ekspress_credential needs Python and boto3; see docs/kubeconfig.md of the collection ekspress.eks."

Entry = dict[str, Any]


@dataclass(frozen=True)
class Context:
    """A context that we write."""

    name: str
    server: str
    certificates: tuple[str, ...]
    """The PEM text of each certificate that is trusted."""
    tls_server_name: str
    """The name that the server's certificate must have; '' for that of ``server``."""
    command: tuple[str, ...]
    """The exec credential program with its arguments."""


def certificates_of(pem: str, cluster: str) -> tuple[str, ...]:
    """The certificates of a text, each in one form. EksError where there is none."""
    found = []
    for match in PEM.finditer(pem):
        body = "".join(match[1].split())
        lines = [body[start : start + 64] for start in range(0, len(body), 64)]
        found.append("\n".join(["-----BEGIN CERTIFICATE-----", *lines, "-----END CERTIFICATE-----", ""]))
    if not found:
        raise EksError(
            f"EKS cluster {cluster!r} has no CA certificate yet. Wait until it is ACTIVE and run again; nothing was "
            "changed."
        )
    return tuple(found)


def merged(section: str, present: Entry | None, context: Context, foreign: bool) -> Entry:
    """An entry as it should be; what a user added to one of ours stays, such as a namespace or a proxy."""
    kept = {} if present is None or foreign else present
    if section == "users":
        kept = {"extensions": kept["extensions"]} if "extensions" in kept else {}
        own: Entry = {"exec": _exec(context)}
    elif section == "contexts":
        own = {"cluster": context.name, "user": context.name}
    else:
        kept = {key: value for key, value in kept.items() if key not in (*INSECURE, "tls-server-name")}
        own = {"server": context.server, "certificate-authority-data": _data(context.certificates)}
        if context.tls_server_name:
            own["tls-server-name"] = context.tls_server_name
    extensions = [item for item in kept.get("extensions") or [] if item.get("name") != MARK]
    return {**kept, **own, "extensions": [*extensions, {"name": MARK, "extension": {"provider": MARK}}]}


def is_ours(entry: Entry) -> bool:
    """Whether an entry has our mark."""
    extensions = entry.get("extensions")
    return isinstance(extensions, list) and any(
        isinstance(item, dict) and item.get("name") == MARK for item in extensions
    )


def same(present: Entry | None, wanted: Entry) -> bool:
    """Whether two entries mean the same; clients write fields that are empty, and order them anew."""
    return present is not None and _meaning(present) == _meaning(wanted)


def shown(there: Mapping[str, Entry | None], foreign: list[str]) -> Any:
    """A context as a diff shows it: nothing of entries that are not ours, fingerprints in the place of certificates."""
    result: Entry = {}
    for section, entry in there.items():
        if entry is None:
            continue
        if section in foreign:
            result[section] = "an entry that this collection did not write"
        elif section == "users":
            command = entry.get("exec") or {}
            result["exec"] = [command.get("command"), *(command.get("args") or [])]
        elif section == "clusters":
            result["server"] = entry.get("server")
            result["tls-server-name"] = entry.get("tls-server-name")
            result["certificates"] = _fingerprints(entry.get("certificate-authority-data"))
    return result or None


def _exec(context: Context) -> Entry:
    return {
        "apiVersion": EXEC_VERSION,
        "command": context.command[0],
        "args": list(context.command[1:]),
        "installHint": HINT,
        "interactiveMode": "IfAvailable",
        "provideClusterInfo": False,
    }


def _data(certificates: tuple[str, ...]) -> str:
    return base64.b64encode("".join(certificates).encode()).decode()


def _fingerprints(data: Any) -> list[str]:
    try:
        text = base64.b64decode(str(data or "")).decode()
        bodies = [base64.b64decode("".join(match[1].split())) for match in PEM.finditer(text)]
    except ValueError:
        return []
    return [f"SHA256 {hashlib.sha256(body).hexdigest()}" for body in bodies]


def _meaning(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _meaning(item) for key, item in value.items() if item is not None and item != ""}
    return [_meaning(item) for item in value] if isinstance(value, list) else value
