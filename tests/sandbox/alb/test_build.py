# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From Ingresses to what is wanted in AWS: the load balancer and its listeners."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sandbox.alb.annotations import ModelError
from sandbox.alb.build import build
from sandbox.alb.groups import Group
from sandbox.alb.model import Model
from sandbox.alb.names import GroupId
from tests.sandbox.alb.objects import (
    CERTIFICATE,
    CONTROLLER,
    INTERNAL,
    WEB,
    FakeAccount,
    groups,
    ingress,
    model,
    subnet,
)

Json = dict[str, Any]
STACK = {"elbv2.k8s.aws/cluster": "blue", "ingress.k8s.aws/stack": "apps/web"}
SHARED = {"group.name": "shared"}
HTTPS = {"listen-ports": '[{"HTTPS": 443}]'}


def _wrong(*ingresses: Json, **more: Any) -> str:
    with pytest.raises(ModelError) as caught:
        model(*ingresses, **more)
    return str(caught.value)


def test_the_plainest_ingress() -> None:
    made = model(ingress())
    balancer = made.load_balancer
    assert balancer is not None
    assert (balancer.scheme, balancer.ip_address_type) == ("internal", "ipv4")
    assert balancer.subnets == ("subnet-private-a", "subnet-private-b")
    assert balancer.name.startswith("k8s-apps-web-")
    assert balancer.security_groups == ()
    assert balancer.attributes == {}
    assert balancer.tags == STACK | {"ingress.k8s.aws/resource": "LoadBalancer", "team": "platform"}
    assert made.security_group is not None
    assert made.security_group.rules == ((80, "0.0.0.0/0"),)
    assert list(made.listeners) == [80]
    (group,) = made.target_groups.values()
    forward = {"Type": "forward", "ForwardConfig": {"TargetGroups": [{"Resource": group.resource}]}}
    assert made.listeners[80].default == [forward]
    assert made.web_acl is None


def test_what_annotations_ask_for() -> None:
    made = model(
        ingress(
            annotations={
                "scheme": "internet-facing",
                "load-balancer-name": "shared",
                "security-groups": "web",
                "load-balancer-attributes": "idle_timeout.timeout_seconds=600,access_logs.s3.enabled=true",
                "tags": "Environment=dev,team=other",
                "wafv2-acl-arn": "arn:acl",
            }
        )
    )
    balancer = made.load_balancer
    assert balancer is not None
    assert (balancer.name, balancer.scheme) == ("shared", "internet-facing")
    assert balancer.subnets == ("subnet-public-a", "subnet-public-b")
    assert balancer.security_groups == ("sg-1",)
    assert balancer.attributes == {"idle_timeout.timeout_seconds": "600", "access_logs.s3.enabled": "true"}
    # The controller's own tags win.
    assert balancer.tags["Environment"] == "dev"
    assert balancer.tags["team"] == "platform"
    assert made.security_group is None
    assert made.web_acl == "arn:acl"


def test_names_follow_what_cannot_be_changed() -> None:
    def name(*ingresses: Json) -> str:
        balancer = model(*ingresses).load_balancer
        assert balancer is not None
        return balancer.name

    internal, public = name(ingress()), name(ingress(annotations={"scheme": "internet-facing"}))
    assert internal != public
    assert len(name(ingress(annotations=SHARED))) == len("k8s-shared-0123456789")
    assert name(ingress(annotations={"group.name": "a-very.long-name-of-a-group"})).startswith("k8s-averylongnameofag-")


def test_subnets_stay_where_the_load_balancer_is() -> None:
    there = {"Scheme": "internal", "AvailabilityZones": [{"SubnetId": "subnet-x"}, {"SubnetId": "subnet-b"}]}
    balancer = model(ingress(), load_balancer=there).load_balancer
    assert balancer is not None
    assert balancer.subnets == ("subnet-b", "subnet-x")
    balancer = model(ingress(annotations={"scheme": "internet-facing"}), load_balancer=there).load_balancer
    assert balancer is not None
    assert balancer.subnets == ("subnet-public-a", "subnet-public-b")
    balancer = model(ingress(annotations={"subnets": "public-a,public-b"}), load_balancer=there).load_balancer
    assert balancer is not None
    assert balancer.subnets == ("subnet-public-a", "subnet-public-b")


def test_ports_and_certificates() -> None:
    both = {"listen-ports": '[{"HTTP": 80}, {"HTTPS": 8443}]'}
    rules = [{"host": "a.example.com"}]
    made = model(ingress(annotations=both | {"ssl-policy": "strict"}, rules=rules)).listeners
    assert {number: listener.protocol for number, listener in made.items()} == {80: "HTTP", 8443: "HTTPS"}
    assert (made[8443].certificates, made[8443].policy) == ((CERTIFICATE,), "strict")
    assert (made[80].certificates, made[80].policy) == ((), None)
    # A certificate alone makes it HTTPS.
    made = model(ingress(annotations={"certificate-arn": "arn:one, arn:two"})).listeners
    assert list(made) == [443]
    assert made[443].certificates == ("arn:one", "arn:two")
    assert made[443].policy == CONTROLLER.ssl_policy


def test_certificates_are_found_by_all_hosts() -> None:
    known = {"arn:wide": {"*.example.com"}, "arn:exact": {"a.example.com", "b.example.org"}, "arn:other": {"c.org"}}
    rules = [{"host": "a.example.com"}, {}]
    made = model(ingress(annotations=HTTPS, rules=rules, tls=[{"hosts": ["b.example.org"]}]), certificates=known)
    assert made.listeners[443].certificates == ("arn:exact", "arn:wide")
    for host in ("example.com", "x.a.example.com", "www.other.org"):
        words = _wrong(ingress(annotations=HTTPS, tls=[{"hosts": [host]}]))
        assert words == f"ingress: apps/web: no certificate found for host: {host}"


def test_plain_http_is_redirected() -> None:
    both = {"listen-ports": '[{"HTTP": 80}, {"HTTPS": 443}]', "certificate-arn": "arn:one", "ssl-redirect": "443"}
    paths = {"paths": [{"path": "/", "pathType": "Prefix", "backend": _backend("web")}]}
    made = model(ingress(annotations=both, rules=[{"http": paths}])).listeners
    target = {"Port": "443", "Protocol": "HTTPS", "StatusCode": "HTTP_301"}
    assert made[80].default == [{"Type": "redirect", "RedirectConfig": target}]
    assert made[80].rules == ()
    assert len(made[443].rules) == 1
    words = "listener does not exist for SSLRedirect port: 8443"
    assert _wrong(ingress(annotations=both | {"ssl-redirect": "8443"})) == words
    words = "listener protocol non-SSL for SSLRedirect port: 80"
    assert _wrong(ingress(annotations=both | {"ssl-redirect": "80"})) == words


def _backend(name: str) -> Json:
    return {"service": {"name": name, "port": {"number": 80}}}


def test_a_group_shares_one_load_balancer() -> None:
    one = ingress("one", SHARED | {"certificate-arn": "arn:a"} | HTTPS, defaultBackend=None)
    two = ingress("two", SHARED | {"scheme": "internal", "tags": "a=b"} | HTTPS | {"certificate-arn": "arn:b,arn:a"})
    made = model(one, two)
    balancer = made.load_balancer
    assert balancer is not None
    assert balancer.tags["ingress.k8s.aws/stack"] == "shared"
    assert balancer.tags["a"] == "b"
    # The default certificate may be among the others too, as the controller has it.
    assert made.listeners[443].certificates == ("arn:a", "arn:b", "arn:a")
    (group,) = made.target_groups.values()
    assert group.resource == "apps/two-web:80"
    assert "ingress.k8s.aws/stack" in group.tags


def test_members_may_listen_on_ports_of_their_own() -> None:
    paths = {"paths": [{"path": "/", "pathType": "Prefix", "backend": _backend("web")}]}
    one = ingress("one", SHARED, rules=[{"host": "one.example.com", "http": paths}])
    two = ingress(
        "two", SHARED | {"listen-ports": '[{"HTTP": 8080}]'}, rules=[{"host": "two.example.com", "http": paths}]
    )
    made = model(one, two).listeners
    hosts = {
        number: [rule.conditions[0]["HostHeaderConfig"]["Values"] for rule in listener.rules]
        for number, listener in made.items()
    }
    assert hosts == {80: [["one.example.com"]], 8080: [["two.example.com"]]}


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        (
            {"scheme": "internal"},
            {"scheme": "internet-facing"},
            "conflicting scheme: map[internal:{} internet-facing:{}]",
        ),
        ({"ip-address-type": "ipv4"}, {"ip-address-type": "dualstack"}, "conflicting IPAddressType: [dualstack ipv4]"),
        ({"tags": "a=1"}, {"tags": "a=2"}, "conflicting tag a: 1 | 2"),
        ({"security-groups": "a"}, {"security-groups": "b"}, "conflicting securityGroups: [a] | [b]"),
        ({"subnets": "a"}, {"subnets": "b"}, "conflicting subnets: [a] | [b]"),
        (
            {"load-balancer-attributes": "a=1"},
            {"load-balancer-attributes": "a=2"},
            "conflicting load balancer attributes a: 1 | 2",
        ),
        ({"wafv2-acl-arn": "a"}, {"wafv2-acl-arn": "b"}, "conflicting WAFv2 WebACL ARNs: [a b]"),
        (
            {"inbound-cidrs": "10.0.0.0/8"},
            {"inbound-cidrs": "10.1.0.0/16"},
            "failed to merge listenPort config for port: 80: conflicting inbound-cidrs, apps/one: [10.0.0.0/8] | "
            "apps/two: [10.1.0.0/16]",
        ),
        (
            {"listen-ports": '[{"HTTPS": 80}]', "certificate-arn": "arn:a"},
            {},
            "failed to merge listenPort config for port: 80: conflicting protocol, apps/one: HTTPS | apps/two: HTTP",
        ),
    ],
)
def test_members_that_disagree(first: dict[str, str], second: dict[str, str], words: str) -> None:
    one = ingress("one", SHARED | first, defaultBackend=None)
    assert _wrong(one, ingress("two", SHARED | second)) == words


def test_two_default_backends() -> None:
    words = _wrong(ingress("one", SHARED), ingress("two", SHARED))
    assert words == "multiple ingress defined default backend: [apps/one apps/two]"


@pytest.mark.parametrize(
    ("annotations", "words"),
    [
        ({"scheme": "public"}, "unknown scheme: public"),
        ({"ip-address-type": "ipv6"}, "unknown IPAddressType: ipv6"),
        ({"load-balancer-name": "x" * 33}, "load balancer name cannot be longer than 32 characters"),
        (
            {"subnets": "none"},
            "failed to list subnets by names or IDs: couldn't find all subnets, missing names: [none]",
        ),
        (
            {"security-groups": "sg-1,sg-2"},
            "couldn't find all security groups: requested ids [sg-1, sg-2] but found [sg-1]",
        ),
        ({"wafv2-acl-name": "none-such"}, "couldn't find WAFv2 WebACL with name: none-such"),
        ({"listen-ports": "[]"}, "ingress: apps/web: empty listen-ports configuration: `[]`"),
        ({"listen-ports": '[{"TCP": 80}]'}, "ingress: apps/web: listen protocol must be within [HTTP, HTTPS]: TCP"),
        ({"listen-ports": '[{"HTTP": 0}]'}, "ingress: apps/web: listen port must be within [1, 65535]: 0"),
        ({"target-type": "alb"}, "unknown targetType: alb"),
        (
            {"auth-type": "oidc"},
            "ingress: apps/web: the sandbox does not play auth-type (see sandbox/README.md)",
        ),
    ],
)
def test_annotations_that_are_wrong(annotations: dict[str, str], words: str) -> None:
    assert _wrong(ingress(annotations=annotations)) == words


def test_listen_ports_that_are_no_json() -> None:
    words = _wrong(ingress(annotations={"listen-ports": "443"}))
    assert words.startswith("ingress: apps/web: failed to parse listen-ports configuration: `443`: ")
    words = _wrong(ingress(annotations={"ssl-redirect": "https"}))
    assert words.startswith(
        "ingress: apps/web: failed to parse int32 annotation, alb.ingress.kubernetes.io/ssl-redirect"
    )
    words = _wrong(ingress(annotations={"inbound-cidrs": "10.0.0.0/99"}))
    assert words.endswith("invalid inbound-cidrs settings on Ingress: apps/web: invalid CIDR address: 10.0.0.0/99")


def test_no_subnets() -> None:
    words = _wrong(ingress(), subnets=[])
    nothing = "Evaluated 0 subnets: 0 are tagged for other clusters, and 0 have insufficient available IP addresses"
    assert words == f"couldn't auto-discover subnets: unable to resolve at least one subnet. {nothing}"


def test_web_acls() -> None:
    assert model(ingress(annotations={"wafv2-acl-name": "shield"})).web_acl == "arn:acl"
    assert model(ingress(annotations={"wafv2-acl-arn": "none"})).web_acl == ""
    assert model(ingress(annotations={"wafv2-acl-name": "none"})).web_acl == ""


def test_dual_stack_lets_ipv6_in() -> None:
    wide = {"Ipv6CidrBlockAssociationSet": [{"Ipv6CidrBlockState": {"State": "associated"}}]}
    subnets = [subnet(zone, zone, **INTERNAL) | wide for zone in "ab"]
    made = model(ingress(annotations={"ip-address-type": "dualstack"}), subnets=subnets)
    assert made.security_group is not None
    assert made.security_group.rules == ((80, "0.0.0.0/0"), (80, "::/0"))


def test_parameters_of_the_class_win() -> None:
    params = {
        "scheme": "internet-facing",
        "certificateArn": ["arn:class"],
        "sslPolicy": "class",
        "targetType": "ip",
        "tags": [{"key": "owner", "value": "class"}],
        "loadBalancerAttributes": [{"key": "a", "value": "class"}],
    }
    own = {
        "scheme": "internal",
        "certificate-arn": "arn:own",
        "tags": "owner=own,more=own",
        "load-balancer-attributes": "a=own,b=own",
    }
    made = model(ingress(annotations=own), params=params)
    balancer = made.load_balancer
    assert balancer is not None
    assert balancer.scheme == "internet-facing"
    assert balancer.attributes == {"a": "class", "b": "own"}
    assert (balancer.tags["owner"], balancer.tags["more"]) == ("class", "own")
    assert (made.listeners[443].certificates, made.listeners[443].policy) == (("arn:class",), "class")
    (group,) = made.target_groups.values()
    assert group.target_type == "ip"
    named = model(ingress(), params={"subnets": {"ids": ["subnet-public-b", "subnet-public-a"]}}).load_balancer
    assert named is not None
    assert named.subnets == ("subnet-public-b", "subnet-public-a")
    found = groups(ingress(), params={"namespaceSelector": {}})
    assert [words for _ingress, words in found.wrong] == [
        "IngressClassParams alb: the sandbox does not play namespaceSelector (see sandbox/README.md)"
    ]


def test_reserved_tags() -> None:
    controller = replace(CONTROLLER, reserved_tags=("owner",))
    words = _wrong(ingress(annotations={"tags": "owner=me"}), controller=controller)
    assert words == "failed build tags for Ingress apps/web: external managed tag key owner cannot be specified"


def test_a_group_without_members_wants_nothing() -> None:
    leaving = ingress()
    leaving["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert build(CONTROLLER, Group(WEB, [], [leaving]), {}, FakeAccount()) == Model(STACK)
    protected = ingress(annotations={"load-balancer-attributes": "deletion_protection.enabled=true"})
    protected["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    with pytest.raises(ModelError, match="deletion_protection is enabled, cannot delete the ingress: web"):
        build(CONTROLLER, Group(WEB, [], [protected]), {}, FakeAccount())


def test_group_ids_in_words() -> None:
    assert (str(WEB), WEB.finalizer) == ("apps/web", "ingress.k8s.aws/resources")
    shared = GroupId("", "shared")
    assert (str(shared), shared.finalizer) == ("shared", "group.ingress.k8s.aws/shared")
