# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""helm's words, those of Helm 3 and of Helm 4: without noise and secrets, and with what to do next."""

from __future__ import annotations

import re

from ansible_collections.ekspress.eks.plugins.module_utils._helm_releases_plan import Release
from ansible_collections.ekspress.eks.plugins.module_utils._helm_values import without

NOISE = re.compile(
    r"^(WARNING: |W\d{4} |I\d{4} |E\d{4} |level=(WARN|INFO|DEBUG)|Pulled: |Digest: |Release \".*\" does not exist"
    r"|time=\S+ level=(WARN|INFO|DEBUG)|walk\.go:)"
)
MOST_WORDS = 4000
"""Characters of helm's words in a result."""

SCHEMA = "values don't meet the specifications of the schema(s)"

ADVICE = (
    (
        re.compile(r'namespaces "[^"]*" not found'),
        "Make the namespace first, or set the release's create_namespace.",
    ),
    (
        re.compile(
            r"failed to perform \"|failed to do request|not a valid chart repository|no chart version found"
            r"|chart \".*\" .*not found in|no chart name found|failed to fetch|unable to locate any tags"
        ),
        "The chart was asked for as {chart}: check its name and version, the repository, and the way there "
        "(network, proxy, helm registry login; at Amazon ECR ecr:BatchGetImage and ecr:GetDownloadUrlForLayer).",
    ),
    (
        re.compile(r"^unknown (shorthand )?(flag|command)"),
        "This helm is too old: install Helm 3.14 or later, or Helm 4, or set helm_binary to its path.",
    ),
    (
        re.compile(r"cannot be imported into the current release"),
        "Something else made this object: remove it, or set the release's take_ownership if it is to be adopted.",
    ),
    (
        re.compile(r"Kubernetes cluster unreachable|connect: connection refused|http2: client connection lost"),
        "The Kubernetes API was away or restarting: run again, which repairs what helm left halfway.",
    ),
    (
        re.compile(r"execution error at \(|nil pointer evaluating|wrong type for value"),
        "If a value is missing or wrong, set it in {where}.",
    ),
)
"""What to do next, by helm's own words."""

POINTER = re.compile(r"at '(?P<path>(?:[^'\\]|\\.)*)': (?P<problem>.*)")
"""A complaint of Helm 4 and of newer versions of Helm 3: a JSON pointer and a problem."""

FIELD = re.compile(r"(?P<path>\S+): (?P<problem>.*)")
"""A complaint of older versions of Helm 3: a path with dots and a problem."""

QUOTED = re.compile(r"'((?:[^'\\]|\\.)*)'")
NAMES_KEYS = re.compile(r"(additional propert|missing propert)")
ONE_KEY = re.compile(r"Additional property (?P<extra>\S+) is not allowed|(?P<missing>\S+) is required")


def cleaned(words: str, hidden: set[str]) -> str:
    """helm's standard error without warnings and progress, and without values that look secret."""
    lines = [line for line in words.splitlines() if line.strip() and not NOISE.match(line)]
    text = "\n".join(lines).removeprefix("Error: ").strip()
    text = without(text, hidden)
    return text if len(text) <= MOST_WORDS else f"{text[:MOST_WORDS]} …"


def advised(words: str, release: Release) -> str:
    """helm's words and, where they tell, what to do next."""
    chart = release.chart
    # Not its address: a user and a password may be in it.
    asked = f"{chart.name} {chart.version}" if chart else ""
    if SCHEMA in words:
        refused = ", ".join(refused_keys(words, chart.name if chart else "")) or "its values"
        return f"{words.rstrip('.')}. The chart's schema refuses {refused}: correct that in {release.values_origin}."
    for sign, step in ADVICE:
        if sign.search(words):
            return f"{words.rstrip('.')}. {step.format(chart=asked, where=release.values_origin)}"
    return words


def refused_keys(words: str, chart: str) -> list[str]:
    """The keys of values, as ``a.b``, that helm says a chart's schema refuses."""
    found: dict[str, None] = {}
    subchart = ""
    lines = words.partition(SCHEMA)[2].splitlines()
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        text = line.strip()
        if text.startswith("- "):
            if _depth(following) > _depth(line):
                # Its reasons follow, each with a key of its own.
                continue
            for key in _keys(text.removeprefix("- ")):
                found[f"{key} of the subchart {subchart}" if subchart else key] = None
        elif text.endswith(":") and " " not in text:
            name = text.removesuffix(":")
            subchart = "" if name == chart else name
        elif text.startswith("invalid type for values") and subchart:
            found[subchart] = None
    return list(found)


def _keys(complaint: str) -> list[str]:
    pointer = POINTER.match(complaint)
    if pointer:
        path = [_unescaped(part) for part in pointer["path"].split("/")[1:]]
        problem = pointer["problem"]
        names = [_plain(name) for name in QUOTED.findall(problem)] if NAMES_KEYS.match(problem) else [""]
        return [".".join([*path, *([name] if name else [])]) or "the values as a whole" for name in names]
    field = FIELD.match(complaint)
    if not field:
        return []
    path = [] if field["path"] == "(root)" else [field["path"]]
    one = ONE_KEY.fullmatch(field["problem"])
    name = (one["extra"] or one["missing"]) if one else ""
    return [".".join([*path, *([name] if name else [])]) or "the values as a whole"]


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip())


def _unescaped(part: str) -> str:
    """A part of a JSON pointer: https://www.rfc-editor.org/rfc/rfc6901#section-3"""
    return _plain(part).replace("~1", "/").replace("~0", "~")


def _plain(text: str) -> str:
    """A quoted text without the backslashes that Go puts before quotes and backslashes."""
    return re.sub(r"\\(.)", r"\1", text)
