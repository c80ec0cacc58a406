# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rules, actions and target groups."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sandbox.alb.annotations import ModelError
from sandbox.alb.model import Rule, TargetGroup
from tests.sandbox.alb.objects import ingress, model, service

Json = dict[str, Any]


def _path(path: str | None, kind: str, name: str = "web", port: Json | None = None) -> Json:
    backend = {"service": {"name": name, "port": port or {"number": 80}}}
    return {**({"path": path} if path is not None else {}), "pathType": kind, "backend": backend}


def _rules(*paths: Json, host: str | None = None, **annotations: str) -> tuple[Rule, ...]:
    rule = {**({"host": host} if host else {}), "http": {"paths": list(paths)}}
    named = {key.replace("__", ".").replace("_", "-"): value for key, value in annotations.items()}
    return model(ingress(annotations=named, rules=[rule], defaultBackend=None)).listeners[80].rules


def _patterns(rule: Rule) -> list[str]:
    (found,) = [item["PathPatternConfig"]["Values"] for item in rule.conditions if item["Field"] == "path-pattern"]
    return list(found)


def _target_group(annotations: Json | None = None, of_service: Json | None = None, **spec: Any) -> TargetGroup:
    made = model(ingress(annotations=annotations), services=(service(annotations=of_service, **spec),))
    (group,) = made.target_groups.values()
    return group


def _wrong(*arguments: Any, **more: Any) -> str:
    with pytest.raises(ModelError) as caught:
        model(*arguments, **more)
    return str(caught.value)


def test_patterns_and_their_order() -> None:
    rules = _rules(
        _path("/any*", "ImplementationSpecific"),
        _path("/", "Prefix"),
        _path("/a", "Prefix"),
        _path("/long/", "Prefix"),
        _path("/exact", "Exact"),
        host="www.example.com",
    )
    assert [_patterns(rule) for rule in rules] == [["/exact"], ["/long", "/long/*"], ["/a", "/a/*"], ["/*"], ["/any*"]]
    assert {json.dumps(rule.conditions[0]["HostHeaderConfig"]) for rule in rules} == {'{"Values": ["www.example.com"]}'}
    assert [rule.tags["ingress.k8s.aws/resource"] for rule in rules] == [f"80:{number}" for number in range(1, 6)]


def test_everything_matches_without_host_and_path() -> None:
    (rule,) = _rules(_path(None, "ImplementationSpecific"))
    assert rule.conditions == [{"Field": "path-pattern", "PathPatternConfig": {"Values": ["/*"]}}]


@pytest.mark.parametrize("kind", ["Exact", "Prefix"])
def test_wildcards_are_for_the_third_kind_only(kind: str) -> None:
    with pytest.raises(ModelError, match=f"ingress: apps/web: {kind.lower()} path shouldn't contain wildcards: /a*"):
        _rules(_path("/a*", kind))


def test_without_a_default_backend_nothing_is_found() -> None:
    made = model(ingress(defaultBackend=None)).listeners[80]
    config = {"ContentType": "text/plain", "StatusCode": "404"}
    assert made.default == [{"Type": "fixed-response", "FixedResponseConfig": config}]


def test_a_service_that_is_not_there() -> None:
    (rule,) = _rules(_path("/", "Prefix", name="none"))
    (action,) = rule.actions
    assert action["FixedResponseConfig"]["StatusCode"] == "503"
    assert action["FixedResponseConfig"]["MessageBody"] == "Backend service does not exist"


def _annotated(action: Json) -> Json:
    use = {"name": "use-annotation"}
    (rule,) = _rules(_path("/x", "Exact", name="special", port=use), actions__special=json.dumps(action))
    (found,) = rule.actions
    return dict(found)


def test_actions_by_annotation() -> None:
    fixed = {"type": "fixed-response", "fixedResponseConfig": {"contentType": "text/plain", "statusCode": "200"}}
    config = {"ContentType": "text/plain", "StatusCode": "200"}
    assert _annotated(fixed) == {"Type": "fixed-response", "FixedResponseConfig": config}
    redirect = {"type": "redirect", "redirectConfig": {"host": "www.example.org", "statusCode": "HTTP_302"}}
    config = {"Host": "www.example.org", "StatusCode": "HTTP_302"}
    assert _annotated(redirect) == {"Type": "redirect", "RedirectConfig": config}
    targets = [
        {"serviceName": "web", "servicePort": "80", "weight": 80},
        {"targetGroupARN": "arn:group", "weight": 20},
    ]
    sticky = {"enabled": True, "durationSeconds": 60}
    forward = {"type": "forward", "forwardConfig": {"targetGroups": targets, "targetGroupStickinessConfig": sticky}}
    assert _annotated(forward)["ForwardConfig"] == {
        "TargetGroups": [{"Resource": "apps/web-web:80", "Weight": 80}, {"TargetGroupArn": "arn:group", "Weight": 20}],
        "TargetGroupStickinessConfig": {"Enabled": True, "DurationSeconds": 60},
    }
    assert _annotated({"type": "forward", "targetGroupARN": "arn:group"})["ForwardConfig"] == {
        "TargetGroups": [{"TargetGroupArn": "arn:group"}]
    }


@pytest.mark.parametrize(
    ("action", "words"),
    [
        ({"type": "x"}, "unknown action type: x"),
        ({"type": "redirect"}, "missing RedirectConfig"),
        ({"type": "redirect", "redirectConfig": {"host": "x"}}, "invalid RedirectConfig: statusCode is required"),
        ({"type": "forward"}, "missing ForwardConfig or TargetGroupARN/TargetGroupName"),
        (
            {"type": "forward", "forwardConfig": {"targetGroups": [{"targetGroupARN": "a"}, {"targetGroupARN": "b"}]}},
            "weight must be set when route to multiple target groups",
        ),
    ],
)
def test_wrong_actions(action: Json, words: str) -> None:
    with pytest.raises(ModelError, match=words):
        _annotated(action)


def test_an_action_that_is_not_there() -> None:
    (rule,) = _rules(_path("/", "Prefix", name="x", port={"name": "use-annotation"}))
    assert rule.actions[0]["FixedResponseConfig"]["MessageBody"] == "Backend action does not exist"


def test_a_redirect_to_itself_is_left_out() -> None:
    action = {"type": "redirect", "redirectConfig": {"port": "443", "protocol": "HTTPS", "statusCode": "HTTP_301"}}
    paths = [_path("/", "Prefix", name="ssl", port={"name": "use-annotation"}), _path("/", "Prefix")]
    both = {"listen-ports": '[{"HTTP": 80}, {"HTTPS": 443}]', "certificate-arn": "arn:one"}
    annotations = both | {"actions.ssl": json.dumps(action)}
    made = model(ingress(annotations=annotations, rules=[{"http": {"paths": paths}}])).listeners
    assert [rule.actions[0]["Type"] for rule in made[80].rules] == ["redirect", "forward"]
    assert [rule.actions[0]["Type"] for rule in made[443].rules] == ["forward"]


def test_the_plainest_target_group() -> None:
    group = _target_group()
    assert group.resource == "apps/web-web:80"
    assert group.name.startswith("k8s-apps-web-")
    assert (group.target_type, group.port, group.protocol, group.version) == ("instance", 30080, "HTTP", "HTTP1")
    assert group.health == {
        "HealthCheckProtocol": "HTTP",
        "HealthCheckPort": "traffic-port",
        "HealthCheckPath": "/",
        "HealthCheckIntervalSeconds": 15,
        "HealthCheckTimeoutSeconds": 5,
        "HealthyThresholdCount": 2,
        "UnhealthyThresholdCount": 2,
        "Matcher": {"HttpCode": "200"},
    }
    assert group.attributes == {}
    assert group.tags["ingress.k8s.aws/resource"] == "apps/web-web:80"


def test_target_groups_as_annotations_have_them() -> None:
    group = _target_group(
        {
            "target-type": "ip",
            "backend-protocol": "HTTPS",
            "healthcheck-port": "8080",
            "healthcheck-path": "/ping",
            "healthcheck-protocol": "HTTP",
            "healthcheck-interval-seconds": "10",
            "success-codes": "200-399",
            "target-group-attributes": "deregistration_delay.timeout_seconds=30",
        },
        # Those of the Service win.
        {"healthcheck-path": "/healthz", "tags": "owner=service"},
    )
    assert (group.target_type, group.port, group.protocol) == ("ip", 8080, "HTTPS")
    assert group.health["HealthCheckPort"] == "8080"
    assert group.health["HealthCheckPath"] == "/healthz"
    assert group.health["HealthCheckProtocol"] == "HTTP"
    assert group.health["HealthCheckIntervalSeconds"] == 10
    assert group.health["Matcher"] == {"HttpCode": "200-399"}
    assert group.attributes == {"deregistration_delay.timeout_seconds": "30"}
    assert group.tags["owner"] == "service"
    grpc = _target_group({"backend-protocol-version": "GRPC"})
    assert (grpc.health["HealthCheckPath"], grpc.health["Matcher"]) == ("/AWS.ALB/healthcheck", {"GrpcCode": "12"})


def test_a_health_check_by_the_name_of_a_port() -> None:
    assert _target_group({"healthcheck-port": "http"}).health["HealthCheckPort"] == "30080"
    assert _target_group({"healthcheck-port": "http", "target-type": "ip"}).health["HealthCheckPort"] == "8080"
    named = service(ports=[{"name": "http", "port": 80, "targetPort": "web", "nodePort": 30080}])
    words = _wrong(ingress(annotations={"healthcheck-port": "http", "target-type": "ip"}), services=(named,))
    assert words.startswith("cannot use named healthCheckPort for IP TargetType")
    words = _wrong(ingress(annotations={"healthcheck-port": "none"}))
    assert words == "failed to resolve healthCheckPort: unable to find port none on service apps/web"


def test_names_change_with_what_cannot_be_changed() -> None:
    names = {
        _target_group(annotations).name
        for annotations in (None, {"target-type": "ip"}, {"backend-protocol": "HTTPS"}, {"healthcheck-path": "/x"})
    }
    assert len(names) == 3


def test_instances_need_a_node_port() -> None:
    plain = service(type="ClusterIP", ports=[{"port": 80, "targetPort": 8080}])
    words = _wrong(ingress(), services=(plain,))
    hint = "When using Instance targets, your service be must of type 'NodePort' or 'LoadBalancer'"
    assert words == f"TargetGroup port is empty. {hint}"
    assert _wrong(ingress(), services=(service(ports=[{"port": 81}]),)) == "unable to find port 80 on service apps/web"


def test_one_target_group_for_many_rules() -> None:
    paths = [_path("/a", "Exact"), _path("/b", "Exact")]
    made = model(ingress(rules=[{"http": {"paths": paths}}]))
    assert list(made.target_groups) == ["apps/web-web:80"]
