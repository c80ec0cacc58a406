# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tags that Ingresses, Services and IngressClassParams ask for.

https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/ingress/annotations/#resource-tags
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sandbox.alb.annotations import Annotations, ModelError
from sandbox.alb.controller import Controller
from sandbox.alb.groups import Member


def of_member(controller: Controller, member: Member, service: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the tags of what belongs to one Ingress, and to a Service with these annotations."""
    wanted = Annotations(member.own).mapping("tags") | Annotations(service).mapping("tags")
    wanted |= member.pairs("tags")
    for key in wanted:
        if key in controller.reserved_tags:
            words = f"external managed tag key {key} cannot be specified"
            raise ModelError(f"failed build tags for Ingress {member.key}: {words}")
    return _with_defaults(controller, wanted)


def of_members(controller: Controller, members: Iterable[Member]) -> dict[str, str]:
    """Return the tags of what belongs to several Ingresses, which must agree."""
    wanted: dict[str, str] = {}
    for member in members:
        for key, value in of_member(controller, member).items():
            if wanted.setdefault(key, value) != value:
                raise ModelError(f"conflicting tag {key}: {wanted[key]} | {value}")
    return wanted


def _with_defaults(controller: Controller, wanted: dict[str, str]) -> dict[str, str]:
    if controller.gate("EnableDefaultTagsLowPriority", False):
        return controller.tags | wanted
    return wanted | controller.tags
