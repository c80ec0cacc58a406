# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""How many releases are worked on at once, their gates included."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.integration.helm_releases_support import CONFIG_MAP, DEPLOYMENT, Ground, write_chart


def test_independent_releases_run_side_by_side_within_the_limit(ground: Ground, tmp_path: Path) -> None:
    """The helm processes under way are seen by a program in their place that waits for its fellows."""
    meeting = tmp_path / "meeting"
    meeting.mkdir()
    program = tmp_path / "program"
    program.write_text(
        f"#!/bin/sh\ntouch {meeting}/$$\n"
        f'while [ "$(ls {meeting} | wc -l)" -lt 3 ]; do sleep 0.05; done\n'
        f'exec {ground.options["helm_binary"]} "$@"\n'
    )
    program.chmod(0o700)
    chart = write_chart(tmp_path / "web", CONFIG_MAP)
    run = ground.run(*(ground.release(f"web-{n}", chart) for n in range(3)), concurrency=3, helm_binary=str(program))
    assert set(run.states.values()) == {"installed"}


def paired(ground: Ground, tmp_path: Path, **more: Any) -> list[dict[str, Any]]:
    """Two releases, neither of which is ready before the other's pods run."""
    chart = write_chart(tmp_path / "web", DEPLOYMENT, values="replicas: 1\nnodeSelector: {}\n")
    names = ("one", "two")
    return [
        ground.release(name, chart, gates=[{"kind": "deployment", "name": other, **more}])
        for name, other in zip(names, reversed(names), strict=True)
    ]


def test_gates_of_independent_releases_are_waited_for_side_by_side(ground: Ground, tmp_path: Path) -> None:
    run = ground.run(*paired(ground, tmp_path), concurrency=2)
    assert run.states == {"one": "installed", "two": "installed"}


def test_with_a_concurrency_of_one_gates_count_too(ground: Ground, tmp_path: Path) -> None:
    run = ground.run(*paired(ground, tmp_path, timeout=1), concurrency=1)
    assert run.states == {"one": "failed", "two": "installed"}
    assert f"deployment {ground.namespace}/two does not hold after 1 s: it does not exist" in run.result["msg"]
