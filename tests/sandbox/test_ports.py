# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Sandboxes that start at the same time get different ports, though nobody listens on them yet."""

from __future__ import annotations

import json
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sandbox import process

MANY = 300


@pytest.fixture
def given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of given ports, of this test alone."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    process.free_ports(0)
    (path,) = tmp_path.iterdir()
    return path


def test_no_port_is_given_twice(given: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        ports = [port for found in pool.map(process.free_ports, [MANY] * 4) for port in found]
    assert len(set(ports)) == len(ports) == 4 * MANY


def test_ports_come_back(given: Path) -> None:
    now = time.monotonic()
    given.write_text(json.dumps({"18001": now - 3600, "18002": now + 3600, "18003": now}), encoding="ascii")
    (port,) = process.free_ports(1)
    assert sorted(json.loads(given.read_text(encoding="ascii"))) == sorted(["18003", str(port)])


@pytest.mark.parametrize("text", ["", "{", "null", "[1]"])
def test_a_broken_file_is_no_obstacle(given: Path, text: str) -> None:
    given.write_text(text, encoding="ascii")
    assert len(process.free_ports(3)) == 3
