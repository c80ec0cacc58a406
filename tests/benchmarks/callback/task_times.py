# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Notes when each task of a run starts and ends, for the benchmarks."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: task_times
type: notification
short_description: Notes when each task starts and ends
description: Writes seconds of the system's monotonic clock, by task name, as JSON to the file in E(TASK_TIMES_FILE).
"""


class CallbackModule(CallbackBase):
    """A task ends where the next one starts, or the run ends."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "task_times"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self._times: dict[str, list[float]] = {}
        self._task = ""

    def _end(self) -> None:
        if self._task:
            self._times[self._task].append(time.monotonic())
        self._task = ""

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        self._end()
        self._task = task.get_name()
        self._times[self._task] = [time.monotonic()]

    def v2_playbook_on_stats(self, stats: Any) -> None:
        self._end()
        Path(os.environ["TASK_TIMES_FILE"]).write_text(json.dumps(self._times))
