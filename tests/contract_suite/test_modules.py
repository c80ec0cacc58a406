# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Every module gives the same results and makes the same calls in process and as an ordinary module."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from sandbox.aws.client import ACCESS_KEY, SECRET_KEY, AwsServer
from tests.contract_suite import cases, compare
from tests.contract_suite.conftest import clean, furnish
from tests.contract_suite.runs import WAYS, Playground, Run
from tests.contract_suite.vault import PASSWORD, vaulted
from tests.sandbox_fixtures import RunningSandbox

CLUSTERS = ("contract-one", "contract-two")
WRITING = re.compile(r": (create|update|patch|delete|deletecollection) (?!.*[?&]dryRun=All)")
SITUATIONS = [
    pytest.param(module, situation, id=f"{module}: {situation}")
    for module in cases.WITH_CASE
    for situation in cases.SITUATIONS
]


@dataclass
class Observed:
    """A run of all situations one way."""

    run: Run
    results: dict[str, list[Any]]
    calls: dict[str, Any]
    requests: dict[str, Any]
    """Those of the cluster's API server, where the others are AWS's."""
    started: dict[str, list[str]]
    """Module files that each task started as processes."""


def observe(way: str, directory: Path, server: AwsServer, cluster: dict[str, str]) -> Observed:
    """Run all situations of all modules one way, those of Kubernetes in a cluster of its own."""
    fixtures = furnish(server)
    other = server.account(cases.OTHER_ACCOUNT, user="other")
    # Helm's client keeps what an API server told it before in the home directory, by address.
    ground = Playground(directory, {**server.environment, "HOME": str(directory)})
    profiles = directory / "credentials"
    profiles.write_text(
        f"[default]\naws_access_key_id={ACCESS_KEY}\naws_secret_access_key={SECRET_KEY}\n"
        f"[other]\naws_access_key_id={other['access_key_id']}\naws_secret_access_key={other['secret_access_key']}\n"
    )
    password = directory / "password"
    password.write_text(PASSWORD)
    known = {
        "fixtures": fixtures,
        "other": other,
        "profiles_file": str(profiles),
        "default_access_key": ACCESS_KEY,
        **cluster,
    }
    audit = Path(cluster["audit_log"])
    variables = directory / "variables.yml"
    variables.write_text(f"{yaml.safe_dump(known)}dated: 2026-01-02\nvaulted: {vaulted(SECRET_KEY)}")
    hosts = {
        "cluster": {"ansible_python_interpreter": ground.interpreter(way)},
        "neighbour": {"ansible_python_interpreter": ground.interpreter(way)},
        "elsewhere": {"ansible_python_interpreter": ground.interpreter(WAYS[1])},
    }
    tasks = [task for case in cases.every() for task in cases.situations(case)]
    server.clear_calls()
    begin = audit.stat().st_size
    run = ground.run(
        [{"hosts": "cluster", "gather_facts": False, "vars_files": [str(variables)], "tasks": tasks}],
        hosts,
        ("-vvv", "--vault-password-file", str(password)),
        CONTRACT_AUDIT=str(audit),
    )
    assert run.code == 0, run.output
    return Observed(
        run,
        compare.results(run),
        compare.calls(run, server.calls(), {case.module: case.polled for case in cases.every()}),
        compare.requests(run, audit, begin),
        run.modules(),
    )


@pytest.fixture(scope="module")
def observed(tmp_path_factory: pytest.TempPathFactory, sandbox: RunningSandbox) -> tuple[Observed, Observed]:
    """All situations of all modules, both ways at once, each on a server and in a cluster of its own."""
    sandbox.up(*CLUSTERS)
    clusters = [
        {
            "kubeconfig": sandbox.cluster(name)["kubeconfig"],
            "audit_log": sandbox.cluster(name)["audit_log"],
            **cases.files(sandbox.state["bin"]),
        }
        for name in CLUSTERS
    ]
    with pytest.MonkeyPatch.context() as environment:
        clean(environment)
        with AwsServer() as first, AwsServer() as second, ThreadPoolExecutor(2) as pool:
            jobs = [
                pool.submit(observe, way, tmp_path_factory.mktemp("way") / "ground", server, cluster)
                for way, server, cluster in zip(WAYS, (first, second), clusters, strict=True)
            ]
            return jobs[0].result(), jobs[1].result()


def test_every_module_has_a_case() -> None:
    assert cases.WITH_CASE == cases.MODULES


def test_every_module_has_an_action() -> None:
    assert sorted(path.stem for path in (cases.ROOT / "plugins" / "action").glob("[!_]*.py")) == cases.MODULES


@pytest.mark.parametrize(("module", "situation"), SITUATIONS)
def test_same_results(observed: tuple[Observed, Observed], module: str, situation: str) -> None:
    here, there = (way.results[f"{module}: {situation}"] for way in observed)
    assert here == there


@pytest.mark.parametrize(("module", "situation"), SITUATIONS)
def test_same_calls(observed: tuple[Observed, Observed], module: str, situation: str) -> None:
    here, there = (way.calls.get(f"{module}: {situation}") for way in observed)
    assert here == there


@pytest.mark.parametrize(("module", "situation"), SITUATIONS)
def test_same_requests_to_the_cluster(observed: tuple[Observed, Observed], module: str, situation: str) -> None:
    here, there = (way.requests.get(f"{module}: {situation}") for way in observed)
    assert here == there


@pytest.mark.parametrize("module", [case.module for case in cases.every() if case.kubernetes])
def test_a_module_of_the_cluster_writes_where_it_says_so(observed: tuple[Observed, Observed], module: str) -> None:
    """Else the comparison of requests would compare nothing."""
    for way in observed:
        written = {
            situation: [text for text in way.requests[f"{module}: {situation}"] if WRITING.search(text)]
            for situation in ("check and diff", "change", "again")
        }
        assert written["change"], way.requests
        assert (written["check and diff"], written["again"]) == ([], [])
        assert way.requests[f"{module}: again"]


@pytest.mark.parametrize(("module", "situation"), SITUATIONS)
def test_ran_where_it_should(observed: tuple[Observed, Observed], module: str, situation: str) -> None:
    here, there = (way.started.get(f"{module}: {situation}", []) for way in observed)
    runs = {"looped environment": 3, "async status": 0}.get(situation, 1)
    assert [name for name in there if name == module] == [module] * runs
    assert [name for name in here if name == module] == ([module] if situation in cases.FALLBACKS else [])


def results_of(way: Observed, module: str, situation: str) -> list[dict[str, Any]]:
    """What a situation gave, without the kinds of events."""
    return [result for _kind, result in way.results[f"{module}: {situation}"]]


@pytest.mark.parametrize("module", cases.WITH_CASE)
def test_the_case_is_what_it_says(observed: tuple[Observed, Observed], module: str) -> None:
    """Else the comparisons above would compare nothing."""
    case = cases.load(module)
    here = observed[0]
    changed = {
        situation: results_of(here, module, situation)[0]["changed"]
        for situation in ("check and diff", "change", "again")
    }
    assert changed == {"check and diff": case.changes, "change": case.changes, "again": False}
    assert "msg" in results_of(here, module, "failing")[0]
    assert "Unsupported parameters" in results_of(here, module, "unsupported option")[0]["msg"]
    assert results_of(here, module, "option and alias")[0]["warnings"]
    for situation in ("async", "async status"):
        assert [result.get("msg") for result in results_of(here, module, situation)][-1:] != ["could not find job"]
    written = {text.split('"operation": "')[1].split('"')[0] for text in here.calls[f"{module}: change"]}
    assert set(case.writes) <= written


@pytest.mark.parametrize("module", [module for module in cases.WITH_CASE if not cases.load(module).kubernetes])
def test_environment_decides_who_calls(observed: tuple[Observed, Observed], module: str) -> None:
    for way in observed:
        assert callers(way, module, "environment") == {cases.OTHER_ACCOUNT}
        assert callers(way, module, "looped environment") >= {cases.OTHER_ACCOUNT, "123456789012"}
        assert callers(way, module, "environment is restored") == {"123456789012"}


def callers(way: Observed, module: str, situation: str) -> set[str]:
    """The accounts that called in a situation."""
    return {text.split('"caller": "')[1].split(":")[4] for text in way.calls[f"{module}: {situation}"]}


@pytest.mark.parametrize("module", cases.WITH_CASE)
def test_secrets_are_not_shown(observed: tuple[Observed, Observed], module: str) -> None:
    for way in observed:
        (result,) = results_of(way, module, "vaulted and dated")
        arguments = result["invocation"]["module_args"]
        assert arguments["secret_key"] == "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"
        assert arguments["assume_role_external_id"] == "2026-01-02"
        assert "censored" in results_of(way, module, "no_log")[0]
