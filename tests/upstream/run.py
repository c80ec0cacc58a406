# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The add-on roles with upstream's own charts, in the sandbox: EKS_CHARTS=/a/directory make test-upstream.

The directory holds a folder a chart, named as the chart. Nothing of it is kept in the project.
"""

from __future__ import annotations

import os
import subprocess
import sys

from ansible.plugins.loader import init_plugin_loader

from sandbox.binaries import ensure
from sandbox.errors import SandboxError
from tests.contract.extract import ROOT
from tests.upstream.charts import VARIABLE, ChartsError, charts_directory


def main() -> int:
    """Run the tests; return 0 only if all passed, 2 where the charts are not there."""
    try:
        directory = charts_directory(os.environ.get(VARIABLE, ""))
        ensure(lambda text: print(text, flush=True))
    except (ChartsError, SandboxError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"roles with the charts of {directory}", flush=True)
    command = [sys.executable, "-m", "pytest", "-v", "tests/upstream"]
    return subprocess.run(command, cwd=ROOT, env={**os.environ, VARIABLE: str(directory)}, check=False).returncode


if __name__ == "__main__":
    # As tests/conftest.py does, before anything of the collection is imported: specifications use its filters.
    init_plugin_loader()
    sys.exit(main())
