# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a task asks of aws-auth, checked before any call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils._aws_auth_model import Wanted


def wanted(params: Mapping[str, Any], partition: str | None = None) -> Wanted:
    """The entries of the options roles, users and accounts; ``params`` needs ``state`` too (default present).

    ARNs come out canonical (role paths stripped), in the case they were given. With state absent username and groups
    are ignored; with state restored nothing is wanted. ``partition`` is the cluster's, None where it is not known yet.
    Raises EksError, naming the option and the entry.
    """
    raise NotImplementedError
