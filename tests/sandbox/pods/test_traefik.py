# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Pods of Traefik's image are the real Traefik: it routes, tells its state, ends and crashes as such pods do."""

from __future__ import annotations

import ipaddress
import os
import signal

from sandbox import process
from tests.sandbox.test_loopback import addresses
from tests.support import wait_until

from .workloads import BALANCER, TRAEFIK, Namespace, answer_of, is_ready, state_of, told

OF_THE_VPC, OF_NOBODY = "127.64.32.5", "127.9.9.9"
"""Clients as Traefik sees them: 127.64.32.5 stands for 10.64.32.5."""
ONE_HOUR = 3600


def test_an_app_is_routed_to(namespace: Namespace) -> None:
    namespace.deploy("shop", "example.com/shop:1", {"http": 8080})
    namespace.traefik("traefik")
    namespace.ingress("shop", "shop.example.com", f"{namespace.name}-traefik")
    namespace.ready("traefik")
    web = namespace.port("traefik", "web")
    wait_until(lambda: answer_of(web, "/", "shop.example.com")[0] == 200, "the app's route")
    seen = told(answer_of(web, "/cart?item=1", "shop.example.com")[1])
    assert seen["pod"].startswith(f"{namespace.name}/shop-")
    assert (seen["path"], seen["headers"]["host"]) == ("/cart?item=1", "shop.example.com")
    assert answer_of(web, "/", "other.example.com")[0] == 404
    # Only what the arguments trust may say how the client had come.
    claim = {"X-Forwarded-Proto": "https"}
    for source, scheme in ((OF_THE_VPC, "https"), (OF_NOBODY, "http")):
        seen = told(answer_of(web, "/", "shop.example.com", source=source, **claim)[1])
        assert seen["headers"]["x-forwarded-proto"] == scheme
    path = f"/apis/networking.k8s.io/v1/namespaces/{namespace.name}/ingresses/shop"
    wait_until(lambda: namespace.kube.get(path)["status"]["loadBalancer"], "the Ingress' status")
    assert namespace.kube.get(path)["status"]["loadBalancer"]["ingress"] == [{"hostname": BALANCER}]


def test_it_is_reached_where_its_pod_is_and_stays_on_loopback(namespace: Namespace) -> None:
    namespace.traefik("traefik")
    (pod,) = namespace.ready("traefik")
    assert answer_of(namespace.port("traefik", "traefik"), "/ping") == (200, "OK")
    assert namespace.sandbox.pod_port(namespace.name, pod["metadata"]["name"], 9999) is None
    # Through the API server and its egress proxy, as kubectl does it.
    path = f"/api/v1/namespaces/{namespace.name}/pods/{pod['metadata']['name']}:8080/proxy/ping"
    assert namespace.kube.request("GET", path) == (200, "OK")
    path = f"/api/v1/namespaces/{namespace.name}/pods/{pod['metadata']['name']}:9999/proxy/ping"
    assert namespace.kube.request("GET", path)[0] >= 500
    (running,) = namespace.processes().values()
    seen = list(addresses(int(str(running["pid"]))))
    assert len(seen) > 2
    for local, remote in seen:
        assert ipaddress.ip_address(local).is_loopback, (local, remote)
        assert ipaddress.ip_address(remote).is_loopback or remote in ("0.0.0.0", "::"), (local, remote)


def test_equal_pods_share_one_process_which_moves_on(namespace: Namespace) -> None:
    namespace.traefik("traefik", replicas=3)
    pods = namespace.ready("traefik", 3)
    ((name, first),) = namespace.processes().items()
    assert set(namespace.entries()) == {pod["metadata"]["name"] for pod in pods}
    ports = {str(entry["ports"]) for entry in namespace.entries().values()}
    assert len(ports) == 1
    namespace.delete(next(pod for pod in pods if pod["metadata"]["name"] == name))
    wait_until(lambda: not process.alive(first), "the end of the process")
    namespace.ready("traefik", 3)

    def others() -> list[tuple[str, process.Identity]]:
        return [(pod, item) for pod, item in namespace.processes().items() if pod != name]

    ((_other, second),) = wait_until(others, "the process of another pod")
    assert process.alive(second)
    assert answer_of(namespace.port("traefik", "traefik"), "/ping")[0] == 200


def test_two_workloads_side_by_side(namespace: Namespace) -> None:
    namespace.deploy("shop", "example.com/shop:1", {"http": 8080})
    for name in ("public", "internal"):
        namespace.traefik(name)
        namespace.ready(name)
    namespace.ingress("shop", "shop.example.com", f"{namespace.name}-internal")
    public, internal = namespace.port("public", "web"), namespace.port("internal", "web")
    assert public != internal
    wait_until(lambda: answer_of(internal, "/", "shop.example.com")[0] == 200, "the app's route")
    assert answer_of(public, "/", "shop.example.com")[0] == 404
    assert len(namespace.alive(namespace.processes())) == 2


def test_it_drains_while_its_pod_ends(namespace: Namespace) -> None:
    drain = f"--entryPoints.traefik.transport.lifeCycle.requestAcceptGraceTimeout={ONE_HOUR}"
    namespace.traefik("traefik", drain, terminationGracePeriodSeconds=ONE_HOUR)
    (pod,) = namespace.ready("traefik")
    (running,) = namespace.processes().values()
    ping = namespace.sandbox.pod_port(namespace.name, pod["metadata"]["name"], 8080)
    assert ping is not None
    namespace.scale("traefik", 0)
    wait_until(lambda: answer_of(ping, "/ping")[0] == 503, "the end of its readiness")
    assert process.alive(running)
    namespace.delete(pod, gracePeriodSeconds=0)
    wait_until(lambda: not process.alive(running), "the end of the process")


def test_a_crash_is_shown_and_made_good(namespace: Namespace) -> None:
    namespace.traefik("traefik")
    (pod,) = namespace.ready("traefik")
    (running,) = namespace.processes().values()
    os.kill(int(str(running["pid"])), signal.SIGKILL)
    wait_until(lambda: state_of(namespace.pods("traefik")[0])["restartCount"] == 1, "the restart")
    (after,) = namespace.ready("traefik")
    assert after["metadata"]["uid"] == pod["metadata"]["uid"]
    assert state_of(after)["lastState"]["terminated"]["exitCode"] == 128 + signal.SIGKILL
    assert answer_of(namespace.port("traefik", "traefik"), "/ping")[0] == 200


def test_arguments_that_it_refuses_end_in_a_crash_loop(namespace: Namespace) -> None:
    namespace.traefik("traefik", "--no.such.option=true")

    def looping() -> bool:
        state = state_of(namespace.pods("traefik")[0]) if namespace.pods("traefik") else {}
        return state.get("state", {}).get("waiting", {}).get("reason") == "CrashLoopBackOff"

    wait_until(looping, "CrashLoopBackOff")
    wait_until(lambda: state_of(namespace.pods("traefik")[0])["restartCount"] > 1, "a second restart")
    (pod,) = namespace.pods("traefik")
    assert not is_ready(pod)
    assert state_of(pod)["lastState"]["terminated"]["exitCode"] == 1


def test_what_cannot_be_started_says_why(namespace: Namespace) -> None:
    missing = {"name": "X", "valueFrom": {"configMapKeyRef": {"name": "missing", "key": "x"}}}
    namespace.deploy("traefik", TRAEFIK, {"web": 8000}, env=[missing])
    namespace.deploy("shell", TRAEFIK, {"web": 8000}, command=["/bin/sh", "-c", "traefik"])

    def waits_for(app: str, reason: str, words: str) -> bool:
        state = state_of(namespace.pods(app)[0]).get("state", {}) if namespace.pods(app) else {}
        waiting = state.get("waiting", {})
        return waiting.get("reason") == reason and words in waiting.get("message", "")

    wait_until(lambda: waits_for("traefik", "CreateContainerConfigError", 'configmap "missing" not found'))
    wait_until(lambda: waits_for("shell", "RunContainerError", "the sandbox has no /bin/sh"))
    namespace.apply("v1", "ConfigMap", "missing", data={"x": "y"})
    namespace.ready("traefik")


def test_a_pod_may_be_left_to_kwok(namespace: Namespace) -> None:
    container = {"name": "traefik", "image": TRAEFIK}
    meta = {"labels": {"app": "traefik"}, "annotations": {"sandbox.ekspress/run": "false"}}
    namespace.apply("v1", "Pod", "traefik", meta=meta, spec={"containers": [container]})
    namespace.ready("traefik")
    assert not namespace.entries()
