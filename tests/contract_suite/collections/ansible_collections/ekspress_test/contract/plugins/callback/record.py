# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Writes every result of a run, whole, as a line of JSON."""

from __future__ import annotations

import dataclasses
import json
import os
import time
from collections.abc import Mapping, Sequence
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = r"""
name: record
type: notification
short_description: Writes every result of a run, whole, as a line of JSON
description: Used by the contract suite only. The file is named by the variable CONTRACT_RECORD.
requirements: []
"""


def plain(value: Any) -> Any:
    """A value as JSON can carry it, with the type of what JSON has no type for."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, str):
        return str(value)
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        return [plain(item) for item in value]
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            "type": type(value).__name__,
            **{field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)},
        }
    return f"{type(value).__name__}: {value}"


def _size(path: str | None) -> int:
    """How much the log of a cluster's requests holds by now; each is in it before it is answered."""
    return os.path.getsize(path) if path else 0


class CallbackModule(CallbackBase):
    """Records results of hosts and of a loop's items."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "ekspress_test.contract.record"
    CALLBACK_NEEDS_ENABLED = True

    def _record(self, kind: str, result: Any) -> None:
        line = {
            "kind": kind,
            "host": result.host.get_name(),
            "task": result.task.get_name(),
            "result": plain(result.result),
            "ended": time.monotonic(),
            "audited": _size(os.environ.get("CONTRACT_AUDIT")),
        }
        with open(os.environ["CONTRACT_RECORD"], "a", encoding="utf-8") as record:
            record.write(json.dumps(line) + "\n")

    def v2_runner_on_ok(self, result: Any) -> None:
        self._record("ok", result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        self._record("failed", result)

    def v2_runner_item_on_ok(self, result: Any) -> None:
        self._record("item ok", result)

    def v2_runner_item_on_failed(self, result: Any) -> None:
        self._record("item failed", result)
