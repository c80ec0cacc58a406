# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The commands: up, status, env, down, reset."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
import time
from pathlib import Path
from typing import Any

from sandbox.errors import SandboxError
from sandbox.lifecycle import DEFAULT_CLUSTER, Sandbox
from sandbox.pods import addresses
from sandbox.state import directory

# A caller's own AWS set-up would win over (or be mixed into) the sandbox's.
UNSET = ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN", "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE")


def main() -> int:
    """Run one command and return its exit code."""
    options = _parser().parse_args()
    sandbox = Sandbox(directory(), say=lambda text: print(text, flush=True))
    try:
        return int(_COMMANDS[options.command](sandbox, options))
    except SandboxError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; the same command again goes on, python3 -m sandbox down ends everything", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python3 -m sandbox", description="AWS and EKS on this machine.")
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="start what does not run, add clusters")
    up.add_argument("name", nargs="*", help=f"clusters to add (the first one is {DEFAULT_CLUSTER})")
    status = commands.add_parser("status", help="show what runs; code 3 if not all is well")
    status.add_argument("--json", action="store_true", help="the state file's content, and health")
    commands.add_parser("env", help='print exports for a shell: eval "$(python3 -m sandbox env)"')
    commands.add_parser("down", help="end everything and forget the clusters; keep the registry's content")
    commands.add_parser("reset", help="as down and up with the same clusters, with an empty registry")
    return parser


def _up(sandbox: Sandbox, options: argparse.Namespace) -> int:
    began = time.monotonic()
    changed = sandbox.up(options.name)
    print(f"{'up' if changed else 'already up'} ({time.monotonic() - began:.1f} s)")
    return 0


def _status(sandbox: Sandbox, options: argparse.Namespace) -> int:
    data = sandbox.status()
    health = data["health"]
    well = bool(data["clusters"]) and health["aws"] and health["registry"] and all(health["clusters"].values())
    if options.json:
        print(json.dumps(data, indent=2, sort_keys=True))
    elif not data["clusters"]:
        print(f"not up ({sandbox.base}); start it with: make sandbox")
    else:
        for row in _rows(data):
            print("  ".join(cell.ljust(width) for cell, width in zip(row, (24, 6, 30, 0), strict=True)).rstrip())
        if not well:
            print("not all is well: make sandbox starts what is down")
    return 0 if well else 3


def _rows(data: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    def mark(well: bool) -> str:
        return "up" if well else "down"

    health = data["health"]
    rows = [("WHAT", "STATE", "ADDRESS", "MORE")]
    rows.append(
        ("AWS account", mark(health["aws"]), data["aws"].get("endpoint", "-"), 'eval "$(python3 -m sandbox env)"')
    )
    rows.append(("registry", mark(health["registry"]), data["registry"].get("charts", "-"), ""))
    for name, entry in sorted(data["clusters"].items()):
        more = f"{entry['region']}  KUBECONFIG={entry['kubeconfig']}"
        rows.append((f"cluster {name}", mark(health["clusters"][name]), entry["endpoint"], more))
        for pod, real in sorted(addresses.read(Path(entry["pods_file"])).items() if "pods_file" in entry else ()):
            if real["process"] is not None:
                ports = ", ".join(f"{port} is {local}" for port, local in real["ports"].items())
                rows.append((f"  pod {pod}", mark(real["ready"]), "127.0.0.1", f"{ports}  log: {real['log']}"))
    return rows


def _env(sandbox: Sandbox, options: argparse.Namespace) -> int:
    data = sandbox.status()
    if not data["environment"]:
        raise SandboxError(f"no sandbox is up in {sandbox.base}", "run: make sandbox")
    print("unset " + " ".join(UNSET))
    for name, value in sorted(data["environment"].items()):
        print(f"export {name}={shlex.quote(value)}")
    print(f'export PATH={shlex.quote(data["bin"])}:{shlex.quote(str(Path(sys.executable).parent))}:"$PATH"')
    return 0


def _down(sandbox: Sandbox, options: argparse.Namespace) -> int:
    print(f"down ({sandbox.down()} processes ended)")
    return 0


def _reset(sandbox: Sandbox, options: argparse.Namespace) -> int:
    sandbox.reset()
    return 0


_COMMANDS = {"up": _up, "status": _status, "env": _env, "down": _down, "reset": _reset}
