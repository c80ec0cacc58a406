# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Makes the listeners and rules of one load balancer what a model wants."""

from __future__ import annotations

from typing import Any

from sandbox.alb.aws import Aws
from sandbox.alb.model import Listener, Rule

Json = dict[str, Any]

# What a redirect leaves as it is, unless it says something else.
_KEPT_BY_REDIRECTS: Json = {
    "Host": "#{host}",
    "Path": "/#{path}",
    "Port": "#{port}",
    "Protocol": "#{protocol}",
    "Query": "#{query}",
}


class ListenerWrites:
    """Writes of one load balancer.

    Args:
        aws: clients.
        balancer: its ARN.
        targets: ARN of each target group, by resource id.
    """

    def __init__(self, aws: Aws, balancer: str, targets: dict[str, str]) -> None:
        self._aws = aws
        self._balancer = balancer
        self._targets = targets

    def write(self, wanted: list[Listener]) -> None:
        """Write all listeners and their rules."""
        listed = self._aws.all("elbv2", "describe_listeners", "Listeners", LoadBalancerArn=self._balancer)
        present = {int(item["Port"]): item for item in listed}
        for port, item in present.items():
            if port not in {listener.port for listener in wanted}:
                self._aws.call("elbv2", "delete_listener", ListenerArn=item["ListenerArn"])
        tags = self._aws.tags(item["ListenerArn"] for item in present.values())
        # All listeners first, as the controller does: a listener that AWS refuses leaves all rules unwritten.
        arns = {listener.port: self._listener(listener, present.get(listener.port), tags) for listener in wanted}
        for listener in wanted:
            self._rules(arns[listener.port], listener.rules)

    def _listener(self, wanted: Listener, current: Json | None, tags: dict[str, dict[str, str]]) -> str:
        settings = {
            "Port": wanted.port,
            "Protocol": wanted.protocol,
            "DefaultActions": self._actions(wanted.default),
            **({"SslPolicy": wanted.policy} if wanted.policy else {}),
            **({"Certificates": [{"CertificateArn": arn} for arn in wanted.certificates[:1]]} if wanted.policy else {}),
        }
        if current is None:
            labels = [{"Key": key, "Value": value} for key, value in wanted.tags.items()]
            made = self._aws.call("elbv2", "create_listener", LoadBalancerArn=self._balancer, Tags=labels, **settings)
            arn = str(made["Listeners"][0]["ListenerArn"])
        else:
            arn = str(current["ListenerArn"])
            if _listener_differs(settings, current):
                self._aws.call("elbv2", "modify_listener", ListenerArn=arn, **settings)
            self._aws.retag(arn, tags.get(arn, {}), wanted.tags)
        if wanted.policy:
            self._certificates(arn, list(wanted.certificates[1:]))
        return arn

    def _certificates(self, arn: str, wanted: list[str]) -> None:
        """Write the certificates beside the default one."""
        listed = self._aws.call("elbv2", "describe_listener_certificates", ListenerArn=arn)["Certificates"]
        current = [item["CertificateArn"] for item in listed if not item.get("IsDefault")]
        for operation, arns in (
            ("remove_listener_certificates", [item for item in current if item not in wanted]),
            ("add_listener_certificates", [item for item in wanted if item not in current]),
        ):
            for item in arns:
                self._aws.call("elbv2", operation, ListenerArn=arn, Certificates=[{"CertificateArn": item}])

    def _rules(self, listener: str, wanted: tuple[Rule, ...]) -> None:
        listed = self._aws.all("elbv2", "describe_rules", "Rules", ListenerArn=listener)
        present = {int(item["Priority"]): item for item in listed if not item.get("IsDefault")}
        tags = self._aws.tags(item["RuleArn"] for item in present.values())
        for priority, item in present.items():
            if priority > len(wanted):
                self._aws.call("elbv2", "delete_rule", RuleArn=item["RuleArn"])
        for priority, rule in enumerate(wanted, start=1):
            content = {"Conditions": rule.conditions, "Actions": self._actions(rule.actions)}
            current = present.get(priority)
            if current is None:
                labels = [{"Key": key, "Value": value} for key, value in rule.tags.items()]
                where = {"ListenerArn": listener, "Priority": priority}
                self._aws.call("elbv2", "create_rule", **where, **content, Tags=labels)
                continue
            arn = str(current["RuleArn"])
            differs = _conditions(current["Conditions"]) != _conditions(rule.conditions)
            if differs or _normal(current["Actions"]) != _normal(content["Actions"]):
                self._aws.call("elbv2", "modify_rule", RuleArn=arn, **content)
            self._aws.retag(arn, tags.get(arn, {}), rule.tags)

    def _actions(self, actions: list[Json]) -> list[Json]:
        """Put the ARNs of target groups in the place of their resource ids."""
        found = []
        for action in actions:
            config = action.get("ForwardConfig")
            if config is None:
                found.append(action)
                continue
            groups = [
                {key: value for key, value in item.items() if key != "Resource"}
                | ({"TargetGroupArn": self._targets[item["Resource"]]} if "Resource" in item else {})
                for item in config["TargetGroups"]
            ]
            found.append(action | {"ForwardConfig": config | {"TargetGroups": groups}})
        return found


def _listener_differs(wanted: Json, current: Json) -> bool:
    if wanted["Protocol"] != current["Protocol"] or _normal(wanted["DefaultActions"]) != _normal(
        current["DefaultActions"]
    ):
        return True
    if "SslPolicy" not in wanted:
        return False
    default = [item["CertificateArn"] for item in current.get("Certificates") or []][:1]
    return wanted["SslPolicy"] != current.get("SslPolicy") or [wanted["Certificates"][0]["CertificateArn"]] != default


def _normal(actions: list[Json]) -> list[Any]:
    """Return actions so that those are equal which do the same."""
    found: list[Any] = []
    for action in actions:
        forward = action.get("ForwardConfig")
        if forward is None:
            config = action.get("FixedResponseConfig") or _KEPT_BY_REDIRECTS | action.get("RedirectConfig", {})
            found.append((action["Type"], sorted((key, str(value)) for key, value in config.items())))
            continue
        groups = sorted((item["TargetGroupArn"], int(item.get("Weight", 1))) for item in forward["TargetGroups"])
        sticky = forward.get("TargetGroupStickinessConfig") or {}
        found.append((action["Type"], [groups, bool(sticky.get("Enabled")), sticky.get("DurationSeconds")]))
    return found


def _conditions(conditions: list[Json]) -> list[Any]:
    found = []
    for item in conditions:
        config = item.get("HostHeaderConfig") or item.get("PathPatternConfig") or {}
        found.append((item["Field"], sorted(config.get("Values") or item.get("Values") or [])))
    return sorted(found)
