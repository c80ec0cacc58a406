# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Instances of Traefik: their releases, and why some cannot work."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.ekspress.eks.plugins.module_utils._helm_uses import Use
from ansible_collections.ekspress.eks.plugins.module_utils._traefik_checks import OWN
from ansible_collections.ekspress.eks.plugins.module_utils._traefik_plan import plan

PUBLIC: dict[str, Any] = {"name": "public", "hosts": ["*.example.com"]}
INTERNAL: dict[str, Any] = {"name": "internal", "hosts": ["*.example.org"], "scheme": "internal"}
FOUND = {"vpc_cidrs": ["10.0.0.0/16"], "problems": []}
SETTINGS: dict[str, Any] = {
    "state": "present",
    "namespace": "traefik",
    "timeout": 300,
    "needs": ["kube-system/traefik-namespace"],
    "alb_chart": "/charts/shared-alb",
    "alb_chart_version": "1.0.0",
    "alb_ingress_class": "alb",
    "repository": "oci://registry.example",
    "chart_version": "41.3.0",
    "found": FOUND,
    "fargate_profiles": [],
    "drain_time": 25,
    "grace_time": 30,
    "tags": {},
    "common_values": {"log": {"level": "INFO"}},
    "values": {},
    "leftovers": [],
    "create_namespace": True,
    "abandon": False,
    "external_dns_prefixes": ["external-dns.alpha.kubernetes.io/"],
}
FARGATE = {"name": "web", "selectors": [{"namespace": "traefik", "labels": {}}]}


def made(*instances: dict[str, Any], **settings: Any) -> dict[str, dict[str, Any]]:
    """Releases by name."""
    return {release["name"]: release for release in plan(instances, {**SETTINGS, **settings})["releases"]}


def refusals(*instances: dict[str, Any], **settings: Any) -> list[str]:
    found = plan(instances, {**SETTINGS, **settings})["requirements"]
    assert not any(item["met"] for item in found)
    return [item["message"] for item in found]


def test_public_and_internal_side_by_side_share_nothing() -> None:
    releases = made(PUBLIC, INTERNAL)
    assert list(releases) == ["public-alb", "public", "internal-alb", "internal"]
    assert refusals(PUBLIC, INTERNAL) == []
    for name, scheme in (("public", "internet-facing"), ("internal", "internal")):
        front, behind = releases[f"{name}-alb"], releases[name]
        assert front["values"]["loadBalancer"]["scheme"] == scheme
        assert front["gates"] == [
            {"kind": "ingress", "namespace": "traefik", "name": f"{name}-alb", "reconciled": True}
        ]
        assert behind["needs"] == [f"traefik/{name}-alb", "kube-system/traefik-namespace"]
        assert behind["values"]["ingressClass"] == {"enabled": True, "isDefaultClass": False, "name": name}
        providers = behind["values"]["providers"]
        assert {provider["ingressClass"] for provider in providers.values()} == {name}
        assert front["values"]["targets"]["selector"]["app.kubernetes.io/instance"] == name
        (source,) = behind["values_from"]
        assert source["name"] == f"{name}-alb"
        assert source["value"] == "providers.kubernetesIngress.ingressEndpoint.hostname"


def test_the_health_check_of_pods_is_at_the_entry_point_traefik() -> None:
    releases = made(PUBLIC)
    assert releases["public-alb"]["values"]["targets"]["healthCheck"]["port"] == 8080
    assert "additionalArguments" not in releases["public"]["values"]


def test_that_of_nodes_is_at_the_port_of_the_apps_beside_the_users_arguments() -> None:
    values = {"additionalArguments": ["--a=b"]}
    releases = made({**PUBLIC, "target_type": "instance"}, values=values)
    assert releases["public-alb"]["values"]["targets"]["healthCheck"]["port"] == "traffic-port"
    assert releases["public"]["values"]["additionalArguments"] == ["--ping.entrypoint=web", "--a=b"]
    assert releases["public"]["values"]["deployment"]["healthchecksPort"] == 8000
    assert values == {"additionalArguments": ["--a=b"]}


def test_a_pod_lives_until_all_is_answered_and_connections_outlive_the_load_balancers() -> None:
    values = made({**PUBLIC, "idle_timeout": 300}, drain_time=40, grace_time=50)["public"]["values"]
    assert values["deployment"]["terminationGracePeriodSeconds"] == 95
    for port in ("web", "traefik"):
        assert values["ports"][port]["transport"]["lifeCycle"]["requestAcceptGraceTimeout"] == 40
    assert values["ports"]["web"]["transport"]["respondingTimeouts"]["idleTimeout"] == 330


def test_the_vpc_is_trusted_unless_others_are_named() -> None:
    def trusted(**more: Any) -> Any:
        return made({**PUBLIC, **more})["public"]["values"]["ports"]["web"]["forwardedHeaders"]["trustedIPs"]

    assert trusted() == ["10.0.0.0/16"]
    assert trusted(trusted_ips=["192.0.2.0/24"]) == ["192.0.2.0/24"]


def test_values_of_the_user_win_and_those_of_the_instance_most() -> None:
    instance = {**PUBLIC, "values": {"log": {"format": "common"}}}
    values = made(instance, values={"log": {"level": "DEBUG", "format": "json"}})["public"]["values"]
    assert values["log"] == {"level": "DEBUG", "format": "common"}
    assert values["service"] == {"enabled": False}


def test_a_published_name_is_a_value_like_others() -> None:
    release = made({**PUBLIC, "published_hostname": "d1.cloudfront.net"})["public"]
    assert release["values_from"] == []
    assert release["values"]["providers"]["kubernetesIngress"]["ingressEndpoint"] == {"hostname": "d1.cloudfront.net"}


def test_access_logs_tags_and_attributes() -> None:
    instance = {
        **PUBLIC,
        "access_logs_bucket": "logs",
        "attributes": {"deletion_protection.enabled": True},
        "tags": {"team": "web"},
    }
    values = made(instance, tags={"team": "all", "stage": "dev"})["public-alb"]["values"]["loadBalancer"]
    assert values["tags"] == {"team": "web", "stage": "dev"}
    assert values["attributes"] == {
        "idle_timeout.timeout_seconds": "60",
        "deletion_protection.enabled": "true",
        "access_logs.s3.enabled": "true",
        "access_logs.s3.bucket": "logs",
    }


def test_numbers_and_truth_values_are_what_aws_reads_and_text_is_what_it_says() -> None:
    values = made({**PUBLIC, "tags": {"account": 111122223333}, "https": "false", "hosts": [], "replicas": "3"})
    front = values["public-alb"]["values"]
    assert front["loadBalancer"]["tags"] == {"account": "111122223333"}
    assert front["loadBalancer"]["attributes"]["access_logs.s3.enabled"] == "false"
    assert front["listeners"]["https"] is False
    assert values["public"]["values"]["deployment"]["replicas"] == 3


def test_what_goes_is_not_looked_for_in_aws_and_all_go_with_the_role() -> None:
    both = [PUBLIC, {**INTERNAL, "state": "absent", "hosts": []}]
    assert [item["name"] for item in plan(both, SETTINGS)["load_balancers"]] == ["public"]
    assert refusals(*both) == []
    assert {release["state"] for release in made(*both, state="absent").values()} == {"absent"}
    assert plan(both, {**SETTINGS, "state": "absent"})["load_balancers"] == []


def test_an_instance_stays_while_apps_are_reached_through_it() -> None:
    def used(*instances: dict[str, Any], **settings: Any) -> list[tuple[str, str]]:
        return [(item["kind"], item["ingress_class"]) for item in made(*instances, **settings)["public"]["used_by"]]

    gone = {**PUBLIC, "state": "absent", "ingress_class": "web"}
    kinds = ["Ingress", "IngressRoute", "IngressRouteTCP", "IngressRouteUDP"]
    assert used(gone, INTERNAL) == [(kind, "web") for kind in kinds]
    assert used(PUBLIC, state="absent") == [(kind, "public") for kind in kinds]
    assert used(gone, abandon=True) == []
    # Another one serves them.
    assert used(gone, {**INTERNAL, "ingress_class": "web"}) == []


@pytest.mark.parametrize(
    ("attributes", "protected"),
    [
        ("deletion_protection.enabled=true", True),
        ("idle_timeout.timeout_seconds=60, deletion_protection.enabled = true ,a=b", True),
        ("deletion_protection.enabled=false", False),
        ("x.deletion_protection.enabled=true", False),
        ("deletion_protection.enabled=true1", False),
        ("", False),
    ],
)
def test_a_protected_load_balancer_is_known_by_its_attributes(attributes: str, protected: bool) -> None:
    (entry,) = made(PUBLIC)["public-alb"]["used_by"]
    use = Use(**entry)
    meta = {"name": "public-alb", "annotations": {entry["annotation"]: attributes}}
    assert use.holds({"metadata": meta}) is protected
    assert not use.holds({"metadata": {**meta, "name": "other"}})
    assert not use.holds({"metadata": {"name": "public-alb"}})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"hosts": []}, "HTTPS needs a certificate: give certificates (ARNs of ACM), or hosts"),
        ({"https": False}, "https is false, and so certificates and hosts have no use"),
        ({"hosts": ["https://example.com"]}, "hosts has 'https://example.com', which is no name of a host"),
        ({"hosts": ["a.*.example.com"]}, "hosts has 'a.*.example.com'"),
        ({"name": "Public"}, "the name must be 1 to 49 lower-case letters"),
        ({"name": "p" * 50}, "the name must be 1 to 49 lower-case letters"),
        ({"ingress_class": "alb"}, "the class of the AWS Load Balancer Controller (traefik_alb_ingress_class)"),
        ({"security_groups": ["sg-1"], "inbound_cidrs": ["0.0.0.0/0"]}, "inbound_cidrs has no effect beside"),
        ({"inbound_cidrs": ["10.0.0.1/8"]}, "inbound_cidrs has '10.0.0.1/8', which is no block of addresses"),
        ({"trusted_ips": ["vpc"]}, "trusted_ips has 'vpc', which is no block of addresses"),
        ({"deregistration_delay": 300}, "deregistration_delay (300 s) is longer than a pod lives on"),
        ({"deregistration_delay": -1}, "deregistration_delay is -1; give 0 to 3600 seconds"),
        ({"idle_timeout": 0}, "idle_timeout is 0; give 1 to 4000 seconds"),
        ({"replicas": 0}, "replicas is 0; give 1 or more"),
        ({"attributes": {"idle_timeout.timeout_seconds": 600}}, "Take it out, and use idle_timeout."),
        ({"target_attributes": {"deregistration_delay.timeout_seconds": 1}}, "and use deregistration_delay."),
        ({"load_balancer_name": "internal-web"}, "load_balancer_name is 'internal-web': 1 to 32 letters"),
        ({"tags": {"a": "b,c"}}, "tags, or traefik_tags, has 'a': no comma may be in it"),
        ({"attributes": {"a=b": "c"}}, "attributes has 'a=b': no comma"),
        ({"group": "Shop"}, "group is 'Shop': 1 to 63 lower-case letters, digits, hyphens and dots"),
        ({"group": "shop."}, "group is 'shop.': 1 to 63"),
        ({"group": "g" * 64}, "1 to 63 lower-case letters"),
        ({"ingress_class": "Public"}, "ingress_class is 'Public': 1 to 253"),
        ({"subnets": ["subnet-1,subnet-2"]}, "subnets has 'subnet-1,subnet-2': an item is one ID, name or ARN"),
        ({"security_groups": ["sg-1, sg-2"]}, "security_groups has 'sg-1, sg-2': an item is one ID"),
        ({"certificates": ["arn:a,arn:b"]}, "certificates has 'arn:a,arn:b': an item is one ID"),
    ],
)
def test_what_contradicts_itself_is_refused(changes: dict[str, Any], words: str) -> None:
    (message,) = refusals({**PUBLIC, **changes})
    assert message.startswith("traefik_instances: instance ")
    assert words in message


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"namespace": "Traefik"}, "traefik_namespace is 'Traefik', which is no name of a namespace"),
        ({"namespace": "n" * 64}, "which is no name of a namespace: 1 to 63 lower-case letters"),
        ({"namespace": "n" * 44}, "traefik_namespace has 44 characters, and the release that makes it"),
        (
            {"namespace": "n" * 57, "create_namespace": False},
            f"traefik_instances: instance 'public': the name and traefik_namespace ({'n' * 57}) have more than 62",
        ),
        ({"external_dns_prefixes": ["dns.example.com"]}, "traefik_external_dns_prefixes has 'dns.example.com'"),
        ({"external_dns_prefixes": ["/"]}, "traefik_external_dns_prefixes has '/'"),
    ],
)
def test_names_that_would_be_cut_or_refused_later_are_refused(settings: dict[str, Any], words: str) -> None:
    assert any(words in message for message in refusals(PUBLIC, **settings))
    assert refusals({**PUBLIC, "state": "absent"}, **settings) == []


def test_names_that_just_fit_and_items_with_spaces_are_taken() -> None:
    assert refusals({**PUBLIC, "name": "p" * 19}, namespace="n" * 43) == []
    assert refusals({**PUBLIC, "name": "p" * 19, "group": "g" * 63}, namespace="n" * 43, create_namespace=False) == []
    assert refusals({**PUBLIC, "subnets": ["public a", "public b"]}) == []


def test_external_dns_takes_no_name_from_the_load_balancers_own_ingress() -> None:
    prefixes = ["external-dns.alpha.kubernetes.io/", "internal.dns.example.com/"]
    values = made(PUBLIC, external_dns_prefixes=prefixes)["public-alb"]["values"]
    assert values["externalDns"] == {"annotationPrefixes": prefixes}


def test_node_ports_on_fargate_are_refused_also_beside_pods() -> None:
    nodes = {**INTERNAL, "target_type": "instance"}
    assert refusals(PUBLIC, nodes) == []
    (message,) = refusals(PUBLIC, nodes, fargate_profiles=[FARGATE])
    assert message.startswith("traefik_instances: instance 'internal': its pods run on Fargate (by the profile web ")
    assert refusals(PUBLIC, INTERNAL, fargate_profiles=[FARGATE]) == []
    labelled = {**FARGATE, "selectors": [{"namespace": "traefik", "labels": {"app.kubernetes.io/instance": "public"}}]}
    assert refusals(PUBLIC, nodes, fargate_profiles=[labelled]) == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": "public", "ingress_class": "other"}, "two instances of the name 'public'"),
        ({"name": "public-alb"}, "has the names 'public' and 'public-alb'"),
        ({"ingress_class": "public"}, "two instances have the ingress_class 'public'"),
        ({"group": "all"}, "two instances have the group 'all'"),
        ({"load_balancer_name": "web"}, "two instances have the load_balancer_name 'web'"),
    ],
)
def test_what_two_instances_may_not_share(changes: dict[str, Any], words: str) -> None:
    both = [{**PUBLIC, "group": "all", "load_balancer_name": "web"}, {**INTERNAL, **changes}]
    (message,) = refusals(*both)
    assert words in message
    assert message.startswith("traefik_instances")


@pytest.mark.parametrize("path", OWN)
def test_values_that_other_things_must_agree_with_are_the_roles(path: str) -> None:
    values: Any = "x"
    for key in reversed(path.split(".")):
        values = {key: values}
    (message,) = refusals(PUBLIC, values=values)
    assert message.startswith(f"traefik_values sets {path}, ")
    (message,) = refusals({**PUBLIC, "values": values})
    assert message.startswith(f"traefik_instances: instance 'public': values sets {path}, ")


def test_what_aws_says_is_told_with_the_variable() -> None:
    problem = {"load_balancer": "public", "option": "web_acl", "value": "arn:x", "message": "there is none"}
    assert refusals(PUBLIC, found={**FOUND, "problems": [problem]}) == [
        "traefik_instances: instance 'public': web_acl has 'arn:x': there is none."
    ]


def test_without_a_look_at_aws_the_trusted_addresses_must_be_given() -> None:
    (message,) = refusals(PUBLIC, found={})
    assert "trusted_ips is empty, and AWS was not asked" in message
    assert refusals({**PUBLIC, "trusted_ips": ["10.0.0.0/8"]}, found={}) == []
