# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A program that runs a module's logic in child processes, each of which ends itself hard after a call of AWS.

Its argument is the name of the module; each line it reads is JSON with ``options`` and ``call``, the number of that
call; each line it writes is the exit code: KILLED, or 0 where the run made fewer calls.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.ekspress.eks.plugins.module_utils._aws import warm
from ansible_collections.ekspress.eks.plugins.module_utils._context import Context, Logic
from ansible_collections.ekspress.eks.plugins.module_utils._runner import execute
from botocore.endpoint import Endpoint

from sandbox.process import ROOT

KILLED = 9
FAILED = 1
UTILS = "ansible_collections.ekspress.eks.plugins.module_utils"


@contextmanager
def killing(module: str, **environment: str) -> Iterator[Callable[[dict[str, Any], int], int]]:
    """Start this program for a module; gives what runs it with options until a call, and returns the exit code."""
    with subprocess.Popen(
        [sys.executable, "-m", __name__, module],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin
        assert process.stdout
        streams = process.stdin, process.stdout

        def run(options: dict[str, Any], call: int) -> int:
            print(json.dumps({"options": options, "call": call}), file=streams[0], flush=True)
            return int(streams[1].readline())

        yield run


def run_killed(logic: Logic, options: dict[str, Any], number: int) -> int:
    """Run the logic in a child that is ended once its call of that number is answered; its exit code."""
    child = os.fork()
    if not child:
        real: Any = Endpoint.make_request
        counting, made = threading.Lock(), []

        def make_request(self: Any, *arguments: Any) -> Any:
            answer = real(self, *arguments)
            with counting:
                made.append(arguments)
                if len(made) == number:
                    os._exit(KILLED)
            return answer

        params = ArgumentSpecValidator(logic.argument_spec()).validate(options).validated_parameters
        with patch.object(Endpoint, "make_request", make_request):
            os._exit(FAILED if execute(logic, params, Context()).get("failed") else 0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def main() -> None:
    """Serve the lines."""
    logic: Logic = importlib.import_module(f"{UTILS}._{sys.argv[1]}").LOGIC
    warm(logic.services)
    for line in sys.stdin:
        asked = json.loads(line)
        print(run_killed(logic, asked["options"], asked["call"]), flush=True)


if __name__ == "__main__":
    main()
