# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A program that runs aws_auth in child processes which end themselves hard before or after a call of the API.

Its argument is JSON with ``namespace`` and ``options``; each line it reads is the number of the call and "before" or
"after"; each line it writes is the exit code: KILLED, or 0 where the run was whole before that call.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.ekspress.eks.plugins.module_utils._aws_auth import LOGIC, run
from ansible_collections.ekspress.eks.plugins.module_utils._aws_auth_api import Place
from ansible_collections.ekspress.eks.plugins.module_utils._context import Context
from ansible_collections.ekspress.eks.plugins.module_utils._kubernetes import Kubernetes

KILLED = 9


def killed_at(number: int, when: str, call: Callable[[], Any]) -> int:
    """Run something in a child that is ended at its call of that number; its exit code."""
    child = os.fork()
    if not child:
        real, made = Kubernetes.request, []

        def request(self: Kubernetes, *arguments: Any, **more: Any) -> dict[str, Any]:
            made.append(arguments)
            if len(made) == number and when == "before":
                os._exit(KILLED)
            try:
                return real(self, *arguments, **more)
            finally:
                if len(made) == number:
                    os._exit(KILLED)

        Kubernetes.request = request  # type: ignore[method-assign]
        try:
            call()
        except BaseException:
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def main() -> None:
    """Serve the lines."""
    asked = json.loads(sys.argv[1])
    params = ArgumentSpecValidator(LOGIC.argument_spec()).validate(asked["options"]).validated_parameters
    place = Place(asked["namespace"], "aws-auth")
    for line in sys.stdin:
        number, when = line.split()
        print(killed_at(int(number), when, lambda: run(params, Context(), place)), flush=True)


if __name__ == "__main__":
    main()
