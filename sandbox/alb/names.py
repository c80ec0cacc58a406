# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Names of what the controller makes: a readable part and the beginning of a hash.

https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/ingress/annotations/#load-balancer-name
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class GroupId:
    """A group of Ingresses that share a load balancer; a single Ingress is one too, with its namespace."""

    namespace: str
    name: str

    @property
    def explicit(self) -> bool:
        """Whether it was named, rather than being one Ingress."""
        return not self.namespace

    @property
    def finalizer(self) -> str:
        """The finalizer of its Ingresses."""
        return f"group.ingress.k8s.aws/{self.name}" if self.explicit else "ingress.k8s.aws/resources"

    def __str__(self) -> str:
        return self.name if self.explicit else f"{self.namespace}/{self.name}"


def of_group(cluster: str, group: GroupId, *more: str) -> str:
    """Return the name of a group's load balancer (``more``: its scheme) or security group."""
    digest = _digest(cluster, str(group), *more)
    if group.explicit:
        return f"k8s-{_plain(group.name)[:17]}-{digest}"
    return f"k8s-{_plain(group.namespace)[:8]}-{_plain(group.name)[:8]}-{digest}"


def of_target_group(namespace: str, service: str, *parts: str) -> str:
    """Return the name of a target group; it changes with every part, as such a target group cannot be changed."""
    return f"k8s-{_plain(namespace)[:8]}-{_plain(service)[:8]}-{_digest(*parts)}"


def _digest(*parts: str) -> str:
    return hashlib.sha256("".join(parts).encode()).hexdigest()[:10]


def _plain(text: str) -> str:
    return re.sub(r"[^0-9A-Za-z]", "", text)
