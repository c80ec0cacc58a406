# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rules of listeners: which requests go where.

https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/ingress/spec/,
https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/ingress/annotations/#actions
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from sandbox.alb.annotations import ModelError
from sandbox.alb.groups import Member

USE_ANNOTATION = "use-annotation"
NOT_FOUND = {"Type": "fixed-response", "FixedResponseConfig": {"ContentType": "text/plain", "StatusCode": "404"}}

Json = dict[str, Any]
Forward = Callable[[Member, str, int | str], str | None]


def ssl_redirect(port: int) -> Json:
    """Return the action that sends clients to HTTPS."""
    target = {"Port": str(port), "Protocol": "HTTPS", "StatusCode": "HTTP_301"}
    return {"Type": "redirect", "RedirectConfig": target}


def of_member(member: Member, protocol: str, port: int, forward: Forward) -> Iterator[tuple[list[Json], list[Json]]]:
    """Yield conditions and actions of an Ingress' paths, in the order in which they are tried.

    Args:
        member: the Ingress.
        protocol: of the listener.
        port: of the listener.
        forward: returns the target group for a Service and its port, None where there is no such Service.
    """
    for rule in member.ingress["spec"].get("rules") or []:
        for path in _sorted((rule.get("http") or {}).get("paths") or []):
            try:
                conditions = _conditions(rule.get("host"), path)
                actions = action_of(member, path["backend"], forward)
            except ModelError as wrong:
                raise ModelError(f"ingress: {member.key}: {wrong}") from wrong
            if not _endless(conditions, actions[0], protocol, port):
                yield conditions, actions


def action_of(member: Member, backend: Json, forward: Forward) -> list[Json]:
    """Return what is done with requests for a backend."""
    service = backend.get("service")
    if service is None:
        raise ModelError('missing required "service" field')
    port = service.get("port") or {}
    if port.get("name") == USE_ANNOTATION:
        return [_annotated(member, service["name"], forward)]
    return [
        _forwarded(
            member, [{"serviceName": service["name"], "servicePort": port.get("name") or port["number"]}], {}, forward
        )
    ]


def _sorted(paths: list[Json]) -> list[Json]:
    """Exact paths, then prefixes from the longest to the shortest, then the others."""
    exact = [path for path in paths if path.get("pathType") == "Exact"]
    prefix = [path for path in paths if path.get("pathType") == "Prefix"]
    other = [path for path in paths if path.get("pathType") not in ("Exact", "Prefix")]
    return [*exact, *sorted(prefix, key=lambda path: -len(path.get("path", ""))), *other]


def _conditions(host: str | None, path: Json) -> list[Json]:
    conditions = []
    if host:
        conditions.append({"Field": "host-header", "HostHeaderConfig": {"Values": [host]}})
    patterns = _patterns(path.get("path", ""), path.get("pathType"))
    if patterns:
        conditions.append({"Field": "path-pattern", "PathPatternConfig": {"Values": patterns}})
    return conditions or [{"Field": "path-pattern", "PathPatternConfig": {"Values": ["/*"]}}]


def _patterns(path: str, kind: str | None) -> list[str]:
    if not path:
        return []
    wild = any(char in path for char in "*?")
    if kind == "Exact" and wild:
        raise ModelError(f"exact path shouldn't contain wildcards: {path}")
    if kind != "Prefix":
        return [path]
    if path == "/":
        return ["/*"]
    if wild:
        raise ModelError(f"prefix path shouldn't contain wildcards: {path}")
    bare = path.removesuffix("/")
    return [bare, f"{bare}/*"]


def _annotated(member: Member, name: str, forward: Forward) -> Json:
    action = member.annotations.document(f"actions.{name}")
    if action is None:
        return _unavailable("Backend action does not exist")
    kind = action.get("type")
    if kind == "fixed-response":
        return _configured(action, "fixedResponseConfig", ("contentType", "messageBody", "statusCode"), kind)
    if kind == "redirect":
        parts = ("host", "path", "port", "protocol", "query", "statusCode")
        return _configured(action, "redirectConfig", parts, kind)
    if kind != "forward":
        raise ModelError(f"unknown action type: {kind}")
    config = action.get("forwardConfig")
    single = {key: action[key] for key in ("targetGroupARN", "targetGroupName") if action.get(key)}
    if config is None and not single:
        raise ModelError("missing ForwardConfig or TargetGroupARN/TargetGroupName")
    if config is not None and single:
        raise ModelError("either ForwardConfig or TargetGroupARN/TargetGroupName can be specified")
    config = config or {"targetGroups": [single]}
    sticky = config.get("targetGroupStickinessConfig") or {}
    return _forwarded(member, config.get("targetGroups") or [], sticky, forward)


def _configured(action: Json, name: str, parts: tuple[str, ...], kind: str) -> Json:
    """Return an action with a configuration whose fields the API writes with a capital."""
    title = name[0].upper() + name[1:]
    config = action.get(name)
    if config is None:
        raise ModelError(f"missing {title}")
    if not config.get("statusCode"):
        raise ModelError(f"invalid {title}: statusCode is required")
    fields = {part[0].upper() + part[1:]: str(config[part]) for part in parts if config.get(part) is not None}
    return {"Type": kind, title: fields}


def _forwarded(member: Member, targets: list[Json], sticky: Json, forward: Forward) -> Json:
    if len(targets) > 1 and any(target.get("weight") is None for target in targets):
        raise ModelError("invalid ForwardConfig: weight must be set when route to multiple target groups")
    groups: list[Json] = []
    for target in targets:
        weight = {"Weight": int(target["weight"])} if target.get("weight") is not None else {}
        if target.get("targetGroupName"):
            raise ModelError("the sandbox does not play targetGroupName (see sandbox/README.md)")
        if target.get("targetGroupARN"):
            groups.append({"TargetGroupArn": target["targetGroupARN"], **weight})
            continue
        if target.get("servicePort") is None:
            raise ModelError("invalid ForwardConfig: invalid TargetGroupTuple: missing servicePort")
        name, port = str(target["serviceName"]), target["servicePort"]
        resource = forward(member, name, int(port) if str(port).isdigit() else str(port))
        if resource is None and len(targets) > 1:
            raise ModelError(f'Service "{name}" not found')
        if resource is None:
            return _unavailable("Backend service does not exist")
        groups.append({"Resource": resource, **weight})
    config: Json = {"TargetGroups": groups}
    if sticky:
        config["TargetGroupStickinessConfig"] = {key[0].upper() + key[1:]: value for key, value in sticky.items()}
    return {"Type": "forward", "ForwardConfig": config}


def _unavailable(message: str) -> Json:
    config = {"ContentType": "text/plain", "MessageBody": message, "StatusCode": "503"}
    return {"Type": "fixed-response", "FixedResponseConfig": config}


def _endless(conditions: list[Json], action: Json, protocol: str, port: int) -> bool:
    """Tell whether a redirect would come back to itself for ever; the controller leaves such rules out."""
    target = action.get("RedirectConfig")
    if target is None:
        return False
    hosts = [value for item in conditions for value in item.get("HostHeaderConfig", {}).get("Values", [])]
    paths = [value for item in conditions for value in item.get("PathPatternConfig", {}).get("Values", [])]
    same = {
        "Host": ["#{host}", *hosts],
        "Path": ["/#{path}", *paths],
        "Port": ["#{port}", str(port)],
        "Protocol": ["#{protocol}", protocol],
        "Query": ["#{query}"],
    }
    return all(target.get(part, values[0]) in values for part, values in same.items())
