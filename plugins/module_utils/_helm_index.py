# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The index of a chart repository: one chart's versions, where their archives are, and what digests they have.

https://helm.sh/docs/topics/chart_repository/#the-index-file
"""

from __future__ import annotations

import base64
import json
import re
import urllib.error
import urllib.request
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit, urlunsplit

from ansible.module_utils.common.yaml import yaml_load
from ansible_collections.ekspress.eks.plugins.module_utils._context import Context
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError
from ansible_collections.ekspress.eks.plugins.module_utils._helm_charts import same_version

ATTEMPTS = 3
TIMEOUT = 30.0
PAUSE = 1.0
"""Seconds before the second attempt; twice as many before each further one."""

PART = 1 << 20
MOST_BYTES = 256 * 1024 * 1024

NEWEST = 5
"""Versions that a message names."""


@dataclass(frozen=True)
class Entry:
    """A version of a chart in an index."""

    url: str
    digest: str
    """SHA-256 of the archive in hexadecimal; '' where the index has none."""


def entry(text: str, repository: str, chart: str, version: str) -> Entry:
    """The entry of a chart's version. Raises EksError where there is none."""
    where = without_user(repository)
    versions = _versions(text, chart, where)
    for found in versions:
        if same_version(str(found.get("version", "")), version) and found.get("urls"):
            url = urljoin(f"{where.rstrip('/')}/", str(found["urls"][0]))
            return Entry(url, str(found.get("digest") or "").removeprefix("sha256:"))
    if not versions:
        raise EksError(f"The repository {where} has no chart {chart!r}. Check its name and the repository.")
    newest = ", ".join(str(found.get("version")) for found in versions[:NEWEST])
    raise EksError(f"The repository {where} has no version {version} of the chart {chart!r}. It has: {newest}, …")


def _versions(text: str, chart: str, where: str) -> list[dict[str, Any]]:
    try:
        found = _block(text, chart)
        if found is None:
            index = json.loads(text) if text.lstrip().startswith("{") else yaml_load(text)
            found = index["entries"].get(chart) or []
    except Exception as error:  # whatever the YAML library raises for what is not YAML
        raise EksError(f"What {where}/index.yaml holds is no index of a chart repository: {error}") from error
    return [item for item in found if isinstance(item, dict)]


def _block(text: str, chart: str) -> Any:
    """One chart's versions, cut out of the text: an index has megabytes, which take seconds to parse as a whole.

    None where it is not written as Helm writes it.
    """
    begin = re.search(rf"^  {re.escape(chart)}:[ ]*\n(?=  - )", text, re.MULTILINE)
    if begin is None or not re.search(r"^entries:[ ]*$", text[: begin.start()], re.MULTILINE):
        return None
    end = re.compile(r"^ {0,2}[^ \-\n]", re.MULTILINE).search(text, begin.end())
    found = yaml_load(text[begin.end() : end.start() if end else len(text)])
    return found if isinstance(found, list) else None


def without_user(url: str) -> str:
    """A URL without user and password."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def download(url: str, repository: str, context: Context) -> bytes:
    """What is at a URL; user and password of the repository's URL go to its own host only. Raises EksError."""
    request = urllib.request.Request(url, headers={"User-Agent": "ekspress.eks"})
    own = urlsplit(repository)
    if own.username and urlsplit(url)[:2] == urlsplit(without_user(repository))[:2]:
        login = f"{unquote(own.username)}:{unquote(own.password or '')}".encode()
        # Not sent again where a redirect leads.
        request.add_unredirected_header("Authorization", f"Basic {base64.b64encode(login).decode()}")
    context.actions.append(f"chart:GET {url}")
    for attempt in range(1, ATTEMPTS + 1):
        context.before_call(f"GET {url}", write=False)
        try:
            return _read(request, url, context)
        except (OSError, HTTPException) as error:
            passing = not isinstance(error, urllib.error.HTTPError) or error.code == 429 or error.code >= 500
            if not passing or attempt == ATTEMPTS:
                raise EksError(
                    f"{url} cannot be fetched: {error}. Check the repository, and the way there (network, proxy, user "
                    "and password)."
                ) from error
        context.cancelled.wait(PAUSE * 2 ** (attempt - 1))
    raise EksError(f"{url} cannot be fetched.")


def _read(request: urllib.request.Request, url: str, context: Context) -> bytes:
    if urlsplit(url).scheme not in ("http", "https"):
        raise EksError(f"{url} is no URL of a chart's archive that can be fetched: https://, http:// or oci://.")
    content = bytearray()
    with urllib.request.build_opener().open(request, timeout=TIMEOUT) as response:
        while part := response.read(PART):
            context.before_call(f"GET {url}", write=False)
            content += part
            if len(content) > MOST_BYTES:
                raise EksError(f"{url} is larger than {MOST_BYTES} bytes: it is no chart and no index.")
    return bytes(content)
