# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The proof that nobody's rights change: the same access reviews for everybody, before and after."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils._access_migration_identity import Identity
from ansible_collections.ekspress.eks.plugins.module_utils._access_migration_reviews import (
    Person,
    Rbac,
    Review,
    people,
    spec,
)
from ansible_collections.ekspress.eks.plugins.module_utils._context import Context
from ansible_collections.ekspress.eks.plugins.module_utils._errors import CancelledError
from ansible_collections.ekspress.eks.plugins.module_utils._kubernetes import Kubernetes
from ansible_collections.ekspress.eks.plugins.module_utils._parallel import gather, together

MOST = 20_000
"""Reviews of a proof at most: those of each identity are fewer where there are many."""
PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0)
"""Seconds between attempts while EKS may not know everywhere yet what was just written.
https://docs.aws.amazon.com/eks/latest/userguide/creating-access-entries.html ("may take several seconds")"""
RBAC = "rbac.authorization.k8s.io/v1"


@dataclass(frozen=True)
class Proof:
    """What was asked, and where the answers differ."""

    people: int
    reviews: int
    """Of each of them."""
    left_out: int
    """Reviews that were too many to be asked."""
    differences: tuple[str, ...]

    def shown(self) -> dict[str, Any]:
        """As the task's result has it."""
        return {
            "people": self.people,
            "reviews": self.reviews,
            "left_out": self.left_out,
            "differences": list(self.differences),
        }


def read_rbac(kubernetes: Kubernetes, context: Context) -> Rbac:
    """All objects of RBAC: four lists, side by side."""
    kinds = ("Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding")

    def every(kind: str) -> list[dict[str, Any]]:
        return kubernetes.list(kubernetes.paths.collection(RBAC, kind, None))

    return Rbac(*together(context, *[lambda kind=kind: every(kind) for kind in kinds]))


def prove(
    kubernetes: Kubernetes, context: Context, identities: list[Identity], *, most: int, trust_policy: bool
) -> Proof:
    """Ask for everybody, before and after; again for a while where an answer differs.

    Args:
        kubernetes: the cluster.
        context: the task.
        identities: those of people and programs; nodes are not asked for, whom EKS gives their rights.
        most: reviews of each identity.
        trust_policy: whether administrators are taken for proven by their policy, without asking.
    """
    rbac = read_rbac(kubernetes, context)
    users = rbac.users()
    tried = [person for item in identities if not (trust_policy and item.admin) for person in people(item, users)]
    reviews, left_out = rbac.reviews(min(most, MOST // (2 * len(tried))) if tried else most)
    open_questions = [(person, review) for person in tried for review in reviews]
    differences: list[str] = []
    for pause in (*PAUSES, None):
        answers = gather(context, lambda question: _differs(kubernetes, *question), open_questions)
        found = [(question, text) for question, text in zip(open_questions, answers, strict=True) if text]
        open_questions, differences = [question for question, _text in found], [text for _question, text in found]
        if not open_questions or pause is None:
            break
        context.cancelled.wait(pause)
        if context.cancelled.is_set():
            raise CancelledError(
                "The task was ended before all access reviews had the same answers; nothing was changed."
            )
    return Proof(len(tried), len(reviews), left_out, tuple(differences))


def _differs(kubernetes: Kubernetes, person: Person, review: Review) -> str:
    """How the answers differ, a sentence; '' where they do not."""
    before, after = (_allowed(kubernetes, who, review) for who in (person.before(), person.after()))
    if before == after:
        return ""
    words = {True: "allowed", False: "not allowed"}
    session = f" (session {person.session})" if person.session else ""
    answers = f"{words[before]} by aws-auth and {words[after]} by its entry"
    return f"{person.identity.principal}{session}: {review} is {answers}."


def _allowed(kubernetes: Kubernetes, who: dict[str, Any], review: Review) -> bool:
    return bool(kubernetes.review(spec(who, review)).get("status", {}).get("allowed"))
