# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which pods run, and what is changed in their arguments: addresses, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from sandbox.pods import programs
from sandbox.pods.programs import CannotRun, Ports, Start, container_of, played_by, program_of

LOOPBACK = re.compile(r"127\.0\.0\.1:(\d+)")


def adapted(name: str, *arguments: str, **environment: str) -> tuple[Start, Ports]:
    """Return what a program is started with, and the ports that stand for the pod's."""
    start, ports = Start(list(arguments), dict(environment)), Ports()
    programs.PROGRAMS[name].adapt(start, ports)
    return start, ports


@pytest.mark.parametrize(
    ("image", "name"),
    [
        ("traefik", "traefik"),
        ("docker.io/traefik:v3.6.15", "traefik"),
        ("public.ecr.aws/docker/library/traefik@sha256:0123", "traefik"),
        ("123456789012.dkr.ecr.eu-central-1.amazonaws.com:443/mirror/traefik:v3@sha256:0123", "traefik"),
        ("registry.k8s.io/external-dns/external-dns:v0.21.0", "external-dns"),
        ("traefik/whoami:v1", None),
        ("docker.io/traefik/mesh", None),
        ("example.com/my-traefik:v3", None),
        ("registry.k8s.io/external-dns/external-dns-webhook", None),
    ],
)
def test_images_by_the_last_part_of_their_name(image: str, name: str | None) -> None:
    found = program_of(image)
    assert (found.name if found else None) == name


def pod(image: str = "traefik", policy: str = "Always", **annotations: str) -> dict[str, Any]:
    """Return a pod with two containers."""
    containers = [{"name": "first", "image": "example.com/side:1"}, {"name": "second", "image": image}]
    return {"metadata": {"annotations": annotations}, "spec": {"containers": containers, "restartPolicy": policy}}


def test_the_pods_that_run() -> None:
    found = container_of(pod())
    assert found is not None
    assert found["name"] == "second"
    assert container_of(pod("nginx")) is None
    assert container_of(pod(policy="Never")) is None
    assert container_of(pod(**{"sandbox.ekspress/run": "false"})) is None


def test_traefik_listens_on_loopback_only() -> None:
    arguments = [
        "--entryPoints.web.address=:8000/tcp",
        "--entrypoints.websecure.address",
        "0.0.0.0:8443",
        "--entryPoints.udp.address=:5353/udp",
        "--entryPoints.own.address=localhost:9000",
        "--entryPoints.web.http.redirections.entryPoint.to=:443",
        "--providers.kubernetesIngress",
    ]
    start, ports = adapted("traefik", *arguments)
    changed = dict(zip(arguments, start.arguments, strict=False))
    assert LOOPBACK.search(changed[arguments[0]]) is not None
    assert changed[arguments[0]].startswith("--entryPoints.web.address=127.0.0.1:")
    assert changed[arguments[0]].endswith("/tcp")
    assert LOOPBACK.fullmatch(changed["0.0.0.0:8443"])
    assert re.fullmatch(r"--entryPoints\.udp\.address=127\.0\.0\.1:\d+/udp", changed[arguments[3]])
    assert LOOPBACK.search(changed[arguments[4]]) is not None
    assert start.arguments[5:7] == arguments[5:]
    # What Traefik would open by itself for ping, dashboard and metrics.
    assert re.fullmatch(r"--entryPoints\.traefik\.address=127\.0\.0\.1:\d+", start.arguments[7])
    assert len(start.arguments) == len(arguments) + 1
    assert sorted(ports.open) == [8000, 8080, 8443]
    assert len(set(ports.open.values())) == 3


def test_traefik_without_entry_points_gets_those_that_it_makes_itself() -> None:
    start, ports = adapted("traefik", "--ping=true")
    assert [argument.partition("=")[0] for argument in start.arguments[1:]] == [
        "--entryPoints.http.address",
        "--entryPoints.traefik.address",
    ]
    assert sorted(ports.open) == [80, 8080]


def test_addresses_of_the_vpc_are_played_by_loopback_ones() -> None:
    assert played_by("10.64.0.0/16") == "127.64.0.0/16"
    for other in ("172.16.0.0/12", "192.168.1.1", "100.64.0.0/10", "fd00::/8", "10"):
        assert played_by(other) == other
    option = "--entryPoints.web.forwardedHeaders.trustedIPs"
    start, _ = adapted("traefik", f"{option}=10.64.0.0/16,192.168.0.0/16", "--x=10.64.0.0/16")
    assert start.arguments[:2] == [f"{option}=127.64.0.0/16,192.168.0.0/16", "--x=10.64.0.0/16"]


@pytest.mark.parametrize(
    ("arguments", "environment", "words"),
    [
        (["--configFile=/etc/traefik.yml"], {}, "entry points from its arguments only"),
        ([], {"TRAEFIK_ENTRYPOINTS_WEB_ADDRESS": ":80"}, "entry points from its arguments only"),
        (["--entryPoints.web.address=:http"], {}, "has no port number"),
    ],
)
def test_traefik_that_could_listen_elsewhere_is_refused(
    arguments: list[str], environment: dict[str, str], words: str
) -> None:
    with pytest.raises(CannotRun, match=words):
        adapted("traefik", *arguments, **environment)


def test_a_file_of_the_machine_that_wins_over_arguments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "traefik.yml").touch()
    monkeypatch.setattr(programs, "_TRAEFIK_FILES", [tmp_path / "traefik.toml", tmp_path / "traefik.yml"])
    with pytest.raises(CannotRun, match=r"traefik\.yml of this machine"):
        adapted("traefik")


def test_external_dns_listens_on_loopback_only() -> None:
    variable = "EXTERNAL_DNS_METRICS_ADDRESS"
    start, ports = adapted("external-dns", "--source=ingress")
    assert start.arguments == ["--source=ingress"]
    assert start.environment == {variable: f"127.0.0.1:{ports.open[7979]}"}
    start, ports = adapted("external-dns", "--metrics-address=:8080")
    assert start.arguments == [f"--metrics-address=127.0.0.1:{ports.open[8080]}"]
    start, ports = adapted("external-dns", **{variable: ":9000"})
    assert start.environment == {variable: f"127.0.0.1:{ports.open[9000]}"}
    with pytest.raises(CannotRun, match="webhook provider"):
        adapted("external-dns", "--webhook-server")
