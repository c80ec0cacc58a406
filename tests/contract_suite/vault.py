# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Values as a vault holds them."""

from __future__ import annotations

import textwrap

from ansible.constants import DEFAULT_VAULT_ID_MATCH
from ansible.parsing.vault import VaultLib, VaultSecret

PASSWORD = "contract"


def vaulted(text: str) -> str:
    """A text encrypted with PASSWORD, as a YAML value."""
    secret = VaultSecret(PASSWORD.encode())
    cipher = VaultLib([(DEFAULT_VAULT_ID_MATCH, secret)]).encrypt(text, secret).decode()
    return "!vault |\n" + textwrap.indent(cipher, "  ")
