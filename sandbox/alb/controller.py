# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The controller that is played: its settings are the arguments of its Deployment's pods."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

IMAGE = "aws-load-balancer-controller"


@dataclass(frozen=True)
class Controller:
    """Settings of a controller that runs.

    Args:
        cluster: name of the cluster.
        vpc: id of the cluster's VPC; empty for what EKS says.
        ingress_class: value of the annotation kubernetes.io/ingress.class that it answers for.
        target_type: target type where nothing names one.
        scheme: scheme where nothing names one.
        ssl_policy: security policy where nothing names one.
        tags: tags of all that it makes.
        reserved_tags: keys of tags that others manage.
        namespace: the only namespace that it looks at; empty for all.
        gates: feature gates that differ from their defaults.
    """

    cluster: str
    vpc: str = ""
    ingress_class: str = "alb"
    target_type: str = "instance"
    scheme: str = "internal"
    ssl_policy: str = "ELBSecurityPolicy-2016-08"
    tags: dict[str, str] = field(default_factory=dict)
    reserved_tags: tuple[str, ...] = ()
    namespace: str = ""
    gates: dict[str, bool] = field(default_factory=dict)

    def gate(self, name: str, default: bool) -> bool:
        """Tell whether a feature is on."""
        return self.gates.get(name, default)


def running(deployments: Iterable[dict[str, Any]]) -> Controller | None:
    """Return the controller of the first Deployment of its image that has a ready pod, None where there is none."""
    for item in sorted(deployments, key=lambda item: (item["metadata"]["namespace"], item["metadata"]["name"])):
        ready = item.get("status", {}).get("readyReplicas", 0)
        for container in item["spec"]["template"]["spec"]["containers"]:
            if ready and _repository(str(container.get("image", ""))).endswith(IMAGE):
                return _settings(container.get("args") or [])
    return None


def _repository(image: str) -> str:
    head, _, last = image.partition("@")[0].rpartition("/")
    return f"{head}/{last.partition(':')[0]}"


def _settings(arguments: list[str]) -> Controller:
    flags = dict(argument.removeprefix("--").split("=", 1) for argument in arguments if "=" in argument)
    names = {
        "aws-vpc-id": "vpc",
        "ingress-class": "ingress_class",
        "default-target-type": "target_type",
        "default-load-balancer-scheme": "scheme",
        "default-ssl-policy": "ssl_policy",
        "watch-namespace": "namespace",
    }
    given: dict[str, Any] = {name: flags[flag] for flag, name in names.items() if flags.get(flag)}
    given["tags"] = _map(flags.get("default-tags", ""))
    given["gates"] = {name: value.lower() == "true" for name, value in _map(flags.get("feature-gates", "")).items()}
    given["reserved_tags"] = tuple(filter(None, flags.get("external-managed-tags", "").split(",")))
    return Controller(flags.get("cluster-name", ""), **given)


def _map(text: str) -> dict[str, str]:
    return {key.strip(): value.strip() for pair in text.split(",") if pair for key, _, value in [pair.partition("=")]}
