# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Helm's own record of releases: Secrets of type helm.sh/release.v1, the same in Helm 3 and 4.

https://helm.sh/docs/topics/advanced/#storage-backends
"""

from __future__ import annotations

import base64
import binascii
import gzip
import json
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError
from ansible_collections.ekspress.eks.plugins.module_utils._kubernetes import Kubernetes

TYPE = "helm.sh/release.v1"
DEPLOYED = "deployed"
GOOD = frozenset({DEPLOYED, "superseded"})
"""Statuses of revisions that once were installed completely."""

DIGEST_LABEL = "ekspress.eks/chart-digest"
"""Label of a release's Secret: the start of the digest of the chart that it was made of, as long as a label may be."""

DIGEST_LENGTH = 40
"""Hexadecimal digits of a digest in the label; a label's value has at most 63 characters."""

MARK_LABEL = "ekspress.eks/restart-since"
"""Label of a release's Secret: pods may be owed a restart, see _helm_restarts_plan."""

MOST_NAMES = 100
"""Names in one label selector, so that the URL stays within what proxies take."""


@dataclass(frozen=True)
class Stored:
    """The newest revision of a release, as Helm recorded it."""

    name: str
    namespace: str
    revision: int
    status: str
    description: str
    chart_name: str
    chart_version: str
    values: dict[str, Any]
    """What the user gave; not merged with the chart's defaults."""
    digest: str = ""
    """Start of the digest of its chart; '' where Helm was called by somebody else."""
    version: str = ""
    """The Secret's resourceVersion."""
    mark: str = ""
    """What the label MARK_LABEL says; '' where no restart is owed."""
    secret: str = ""
    """The Secret's name."""
    manifest: str = field(default="", repr=False)
    """The objects it consists of, without hooks and CRDs, as YAML documents."""


def read(kubernetes: Kubernetes, keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Stored]:
    """The newest revision of each release, by (namespace, name), from one list.

    Superseded revisions are left to the server, as a release has a newer one. Where nothing else is found of a release
    (somebody deleted the newest Secret) a second list asks for them. Only what is asked for is decoded.
    """
    wanted = set(keys)
    newest = _newest(kubernetes, wanted, "status!=superseded")
    newest |= _newest(kubernetes, wanted - set(newest), "status=superseded")
    return {key: decode(secret) for key, secret in newest.items()}


def _newest(kubernetes: Kubernetes, wanted: set[tuple[str, str]], statuses: str) -> dict[tuple[str, str], Any]:
    """The Secret of the newest revision of each release, of those with these statuses."""
    names = sorted({name for _namespace, name in wanted})
    if not names:
        return {}
    selector = f"owner=helm,{statuses}"
    if len(names) <= MOST_NAMES:
        selector += f",name in ({','.join(names)})"
    newest: dict[tuple[str, str], dict[str, Any]] = {}
    for secret in kubernetes.list("/api/v1/secrets", selector, f"type={TYPE}"):
        key = (secret["metadata"]["namespace"], secret["metadata"]["labels"].get("name", ""))
        if key in wanted and (key not in newest or _revision(secret) > _revision(newest[key])):
            newest[key] = secret
    return newest


def read_one(kubernetes: Kubernetes, namespace: str, name: str) -> Stored | None:
    """The newest revision of one release, whatever its status."""
    newest = max(_revisions(kubernetes, namespace, name), key=_revision, default=None)
    return decode(newest) if newest else None


def read_since(kubernetes: Kubernetes, namespace: str, name: str, revision: int) -> list[Stored]:
    """The revisions of a release from one on, the newest last; of damaged ones only the newest is an error."""
    found = []
    secrets = sorted(_revisions(kubernetes, namespace, name), key=_revision)
    for secret in secrets:
        try:
            if _revision(secret) >= revision or secret is secrets[-1]:
                found.append(decode(secret))
        except EksError:
            if secret is secrets[-1]:
                raise
    return found


def last_good_revision(kubernetes: Kubernetes, namespace: str, name: str) -> int | None:
    """The newest revision of a release that once was installed completely, None where there is none."""
    secrets = _revisions(kubernetes, namespace, name)
    good = [_revision(secret) for secret in secrets if secret["metadata"]["labels"].get("status") in GOOD]
    return max(good, default=None)


def _revisions(kubernetes: Kubernetes, namespace: str, name: str) -> list[dict[str, Any]]:
    return kubernetes.list(f"/api/v1/namespaces/{namespace}/secrets", f"owner=helm,name={name}", f"type={TYPE}")


def decode(secret: dict[str, Any]) -> Stored:
    """A release from its Secret. Raises EksError where it is not as Helm writes it."""
    meta = secret["metadata"]
    try:
        packed = base64.b64decode(base64.b64decode(secret["data"]["release"]))
        # Helm compresses; records of very old versions of Helm 3 are plain.
        record = json.loads(gzip.decompress(packed) if packed[:2] == b"\x1f\x8b" else packed)
        chart = record.get("chart") or {}
        info = record.get("info") or {}
        return Stored(
            name=record["name"],
            namespace=meta["namespace"],
            revision=int(record["version"]),
            status=str(meta["labels"].get("status") or info.get("status")),
            description=str(info.get("description") or ""),
            chart_name=chart.get("metadata", {}).get("name", ""),
            chart_version=chart.get("metadata", {}).get("version", ""),
            values=record.get("config") or {},
            digest=str(meta["labels"].get(DIGEST_LABEL, "")),
            version=str(meta.get("resourceVersion", "")),
            mark=str(meta["labels"].get(MARK_LABEL, "")),
            secret=str(meta["name"]),
            manifest=str(record.get("manifest") or ""),
        )
    except (KeyError, TypeError, ValueError, AttributeError, OSError, EOFError, zlib.error, binascii.Error) as error:
        raise EksError(
            f"The Secret {meta['namespace']}/{meta['name']} is not a release as Helm 3 or 4 records it "
            f"({type(error).__name__}). Look at it with: helm history, and remove it if it is damaged."
        ) from error


def _revision(secret: dict[str, Any]) -> int:
    version = str(secret["metadata"]["labels"].get("version", ""))
    return int(version) if version.isdigit() else 0
