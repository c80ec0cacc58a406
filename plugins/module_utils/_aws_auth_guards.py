# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Why a plan for aws-auth may cut nodes or administrators off. Pure."""

from __future__ import annotations

from ansible_collections.ekspress.eks.plugins.module_utils._aws_auth_plan import Plan


def takes_away(plan: Plan) -> bool:
    """Whether any entry changes or goes, so that Fargate's roles and the caller are worth the calls to find them."""
    raise NotImplementedError


def reasons(plan: Plan, caller: str = "", fargate_roles: frozenset[str] = frozenset()) -> list[str]:
    """Sentences that each name an entry and what to do; empty where nothing is dropped that is guarded.

    ``caller`` is the ARN of whom the run acts as, '' where it is not known; ``fargate_roles`` are the ARNs of the pod
    execution roles of Fargate profiles (with or without path). ``force`` is the caller's to honour.
    """
    raise NotImplementedError
