# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""How secrets look where a text quotes them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from urllib.parse import quote


def written_forms(secrets: Iterable[str]) -> set[str]:
    """Secrets, and how they look in a URL, a repr, a JSON text and one inside the other: all of them are censored."""
    forms = {str(secret) for secret in secrets}
    forms |= {quote(secret, safe=safe) for secret in forms for safe in ("/", "")}
    for _nesting in range(2):
        forms |= {form for secret in forms for form in _escaped(secret)}
    return forms - {""}


def _escaped(text: str) -> set[str]:
    """A text inside a repr, where what else is in it decides whether quotes are escaped, and inside a JSON text."""
    quotes = "'\""
    return {
        repr(text)[1:-1],
        repr(text + quotes)[1 : -len(repr(quotes)) + 1],
        json.dumps(text)[1:-1],
        json.dumps(text, ensure_ascii=False)[1:-1],
    }
