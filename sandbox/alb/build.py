# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From a group of Ingresses to its model.

https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/ingress/annotations/
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sandbox.alb import listeners, names, rules, subnets, tags, targets
from sandbox.alb.annotations import Annotations, ModelError
from sandbox.alb.controller import Controller
from sandbox.alb.groups import Group, Member, in_order
from sandbox.alb.model import (
    Account,
    Listener,
    LoadBalancer,
    Model,
    Rule,
    SecurityGroup,
    TargetGroup,
    resource_tags,
    stack_tags,
)
from sandbox.alb.names import GroupId

SCHEMES = ("internet-facing", "internal")
ADDRESS_TYPES = ("ipv4", "dualstack", "dualstack-without-public-ipv4")

Json = dict[str, Any]


def build(controller: Controller, group: Group, services: Mapping[str, Json], account: Account) -> Model:
    """Return what a group wants; raise ModelError with the controller's words where that cannot be made.

    Args:
        controller: the controller that runs.
        group: its Ingresses.
        services: Services by namespace and name.
        account: what is in AWS.
    """
    stack = stack_tags(controller, str(group.id))
    for ingress in group.leaving:
        attributes = Annotations(ingress["metadata"].get("annotations")).mapping("load-balancer-attributes")
        if ingress["metadata"].get("deletionTimestamp") and attributes.get("deletion_protection.enabled") == "true":
            name = ingress["metadata"]["name"]
            raise ModelError(f"deletion_protection is enabled, cannot delete the ingress: {name}")
    if not group.members:
        return Model(stack)
    return _Builder(controller, group.id, in_order(group.members), services, account, stack=stack).model()


@dataclass
class _Builder:
    controller: Controller
    group: GroupId
    members: Sequence[Member]
    services: Mapping[str, Json]
    account: Account
    stack: dict[str, str]
    target_groups: dict[str, TargetGroup] = field(default_factory=dict)

    def model(self) -> Model:
        """Return the model of a group that has members."""
        for member in self.members:
            foreign = member.annotations.not_played()
            if foreign:
                words = f"the sandbox does not play {', '.join(foreign)} (see sandbox/README.md)"
                raise ModelError(f"ingress: {member.key}: {words}")
        ports = listeners.ports_of(self.controller, self.members, self.account)
        balancer = self._load_balancer()
        redirect = listeners.redirect_of(self.members, ports)
        made = {number: self._listener(number, port, redirect) for number, port in ports.items()}
        return Model(
            tags=self.stack,
            load_balancer=balancer,
            security_group=None if balancer.security_groups else self._security_group(ports, balancer),
            target_groups=self.target_groups,
            listeners=made,
            web_acl=self._web_acl(),
        )

    def _agreed(self, name: str, what: str) -> str | None:
        """Return a value that all Ingresses agree on, as far as they have one."""
        texts = (member.annotations.text(name) for member in self.members)
        found = sorted({text for text in texts if text is not None})
        if len(found) > 1:
            # The words are those of a set of Go's, or of a list, as the controller has it.
            as_set = what in ("scheme", "load balancer name")
            shown = f"map[{' '.join(f'{text}:{{}}' for text in found)}]" if as_set else f"[{' '.join(found)}]"
            raise ModelError(f"conflicting {what}: {shown}")
        return found[0] if found else None

    def _load_balancer(self) -> LoadBalancer:
        scheme = self._agreed("scheme", "scheme") or self.controller.scheme
        if scheme not in SCHEMES:
            raise ModelError(f"unknown scheme: {scheme}")
        kind = self._agreed("ip-address-type", "IPAddressType") or "ipv4"
        if kind not in ADDRESS_TYPES:
            raise ModelError(f"unknown IPAddressType: {kind}")
        name = self._agreed("load-balancer-name", "load balancer name")
        if name is not None and len(name) > 32:
            raise ModelError("load balancer name cannot be longer than 32 characters")
        return LoadBalancer(
            subnets=tuple(self._subnets(scheme, kind != "ipv4")),
            security_groups=tuple(self._security_groups()),
            attributes=self._attributes(),
            tags=self._tags("LoadBalancer", self.members),
            name=name or names.of_group(self.controller.cluster, self.group, scheme),
            scheme=scheme,
            ip_address_type=kind,
        )

    def _tags(self, resource: str, members: Iterable[Member]) -> dict[str, str]:
        return resource_tags(self.stack, resource, tags.of_members(self.controller, members))

    def _subnets(self, scheme: str, dual: bool) -> list[str]:
        account, selectors = self.account, [m.params["subnets"] for m in self.members if m.params.get("subnets")]
        texts = (m.annotations.items("subnets") for m in self.members if not m.params.get("subnets"))
        lists = [items for items in texts if items is not None]
        if selectors and lists:
            raise ModelError("conflicting subnet specifications: IngressClassParams versus annotation")
        if any(selector != selectors[0] for selector in selectors):
            raise ModelError("conflicting IngressClassParams subnet specifications")
        if selectors and selectors[0].get("ids"):
            lists = [selectors[0]["ids"]]
        for other in lists[1:]:
            if sorted(other) != sorted(lists[0]):
                raise ModelError(f"conflicting subnets: [{' '.join(lists[0])}] | [{' '.join(other)}]")
        if lists:
            return subnets.named(account.subnets(), account.zones(), lists[0], dual)
        chosen = selectors[0].get("tags") if selectors else None
        present = account.load_balancer(self.stack)
        if present is not None and present["Scheme"] == scheme and not chosen:
            return sorted(str(zone["SubnetId"]) for zone in present["AvailabilityZones"])
        public, zones = account.public(), account.zones()
        try:
            return subnets.discover(
                self.controller, account.subnets(), public=public, zones=zones, scheme=scheme, dual=dual, tags=chosen
            )
        except ModelError as wrong:
            if chosen:
                raise
            raise ModelError(f"couldn't auto-discover subnets: {wrong}") from wrong

    def _security_groups(self) -> list[str]:
        texts = (member.annotations.items("security-groups") for member in self.members)
        lists = [items for items in texts if items is not None]
        for other in lists[1:]:
            if other != lists[0]:
                raise ModelError(f"conflicting securityGroups: [{' '.join(lists[0])}] | [{' '.join(other)}]")
        if not lists:
            return []
        known = self.account.security_groups()
        by_id = {group["GroupId"]: group["GroupId"] for group in known}
        by_name = {subnets.tags_of(group).get("Name"): group["GroupId"] for group in known}
        found, missing = [], []
        for wanted in lists[0]:
            group = (by_id if wanted.startswith("sg-") else by_name).get(wanted)
            found.append(str(group)) if group else missing.append(wanted)
        if missing:
            kind = "ids" if missing[0].startswith("sg-") else "names"
            words = f"requested {kind} [{', '.join(lists[0])}] but found [{', '.join(found)}]"
            raise ModelError(f"couldn't find all security groups: {words}")
        return found

    def _attributes(self) -> dict[str, str]:
        wanted: dict[str, str] = {}
        ruled = self.members[0].pairs("loadBalancerAttributes")
        for member in self.members:
            for key, value in Annotations(member.own).mapping("load-balancer-attributes").items():
                if wanted.setdefault(key, value) != value and key not in ruled:
                    raise ModelError(f"conflicting load balancer attributes {key}: {wanted[key]} | {value}")
        return wanted | ruled

    def _security_group(self, ports: dict[int, listeners.Port], balancer: LoadBalancer) -> SecurityGroup:
        dual = balancer.ip_address_type != "ipv4"
        pairs = [(number, cidr) for number, port in ports.items() for cidr in port.cidrs if dual or ":" not in cidr]
        return SecurityGroup(
            name=names.of_group(self.controller.cluster, self.group),
            rules=tuple(sorted(pairs)),
            tags=self._tags("ManagedLBSecurityGroup", self.members),
        )

    def _listener(self, number: int, port: listeners.Port, redirect: int | None) -> Listener:
        members = [member for member in self.members if listeners.of_member(member, number)]
        made: list[Rule] = []
        default = [rules.NOT_FOUND]
        if redirect is not None and port.protocol == listeners.HTTP:
            default = [rules.ssl_redirect(redirect)]
        else:
            default = self._default(members) or default
            for member in members:
                for conditions, actions in rules.of_member(member, port.protocol, number, self._forward):
                    own = self._tags(f"{number}:{len(made) + 1}", [member])
                    made.append(Rule(conditions, actions, own))
        return Listener(
            port=number,
            protocol=port.protocol,
            policy=port.policy,
            certificates=port.certificates,
            default=default,
            rules=tuple(made),
            tags=self._tags(str(number), members),
        )

    def _default(self, members: Sequence[Member]) -> list[Json] | None:
        with_default = [member for member in members if member.ingress["spec"].get("defaultBackend")]
        if len(with_default) > 1:
            keys = " ".join(member.key for member in with_default)
            raise ModelError(f"multiple ingress defined default backend: [{keys}]")
        if not with_default:
            return None
        return rules.action_of(with_default[0], with_default[0].ingress["spec"]["defaultBackend"], self._forward)

    def _forward(self, member: Member, name: str, port: int | str) -> str | None:
        service = self.services.get(f"{member.namespace}/{name}")
        if service is None:
            return None
        made = targets.build(self.controller, self.group, self.stack, member=member, service=service, port=port)
        self.target_groups.setdefault(made.resource, made)
        return made.resource

    def _web_acl(self) -> str | None:
        name = self._agreed("wafv2-acl-name", "WAFv2 WebACL names")
        if name is not None and name != "none":
            arn = self.account.web_acl(name)
            if arn is None:
                raise ModelError(f"couldn't find WAFv2 WebACL with name: {name}")
            return arn
        wanted = name or self._agreed("wafv2-acl-arn", "WAFv2 WebACL ARNs")
        return "" if wanted == "none" else wanted or None
