# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""kubeconfig: contexts of clusters and of environments' active clusters, merged into a kubeconfig."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils import _kubeconfig_file as files
from ansible_collections.ekspress.eks.plugins.module_utils import _kubeconfig_plan as kubeconfigs
from ansible_collections.ekspress.eks.plugins.module_utils._adapter import aws_options
from ansible_collections.ekspress.eks.plugins.module_utils._arn import parse_iam
from ansible_collections.ekspress.eks.plugins.module_utils._aws import Aws
from ansible_collections.ekspress.eks.plugins.module_utils._cluster import Cluster, check_name, describe, require_active
from ansible_collections.ekspress.eks.plugins.module_utils._context import Context, Logic
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError
from ansible_collections.ekspress.eks.plugins.module_utils._hosted_zones_model import bare_name, check_domains
from ansible_collections.ekspress.eks.plugins.module_utils._kubeconfig_entries import Context as KubeContext
from ansible_collections.ekspress.eks.plugins.module_utils._kubeconfig_entries import certificates_of
from ansible_collections.ekspress.eks.plugins.module_utils._parallel import settle

CONNECTION = ("region", "profile", "assume_role_arn", "assume_role_external_id")
KEYS = ("access_key", "secret_key", "session_token")
SESSION_NAME = re.compile(r"[\w+=,.@-]{2,64}", re.ASCII)
"""https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html"""
ATTEMPTS = 3


def argument_spec() -> dict[str, Any]:
    """The module's options."""
    text = {"type": "str"}
    return {
        **aws_options(),
        "path": {"type": "path", "required": True},
        "clusters": {
            "type": "list",
            "elements": "dict",
            "required": True,
            "options": {
                "name": {"type": "str", "required": True},
                "context": text,
                "stable_name": text,
                **dict.fromkeys(CONNECTION, text),
            },
        },
        "context_suffix": {"type": "str", "default": ""},
        "current_context": text,
        "exec_command": {"type": "list", "elements": "str"},
        "exec_profile": text,
        "exec_role_arn": text,
        "exec_session_name": text,
        "exec_external_id": text,
        "tls_server_name": {"type": "str", "default": "kubernetes.default.svc"},
        "overwrite": {"type": "bool", "default": False},
        "backup": {"type": "bool", "default": True},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    }


@dataclass(frozen=True)
class Wanted:
    """A cluster of the task."""

    name: str
    context: str
    stable_name: str
    connection: tuple[tuple[str, str], ...]


def run(params: dict[str, Any], context: Context) -> dict[str, Any]:
    """Read each cluster once, side by side, and merge the contexts into the file."""
    wanted = _wanted(params)
    _check(params)
    present = params["state"] == "present"
    contexts = _contexts(params, wanted, _described(params, context, wanted)) if present else []
    for attempt in range(1, ATTEMPTS + 1):
        found = files.read(params["path"])
        if present:
            plan = kubeconfigs.merge(
                found.text, contexts, params["path"], params.get("current_context") or "", params["overwrite"]
            )
        else:
            plan = kubeconfigs.remove(found.text, _names(params, wanted), params["path"])
        result = _result(found, plan)
        if not result["changed"] or context.check_mode:
            return result
        context.before_call(f"Writing {found.path}", write=True)
        try:
            if plan.text != (found.text or ""):
                kept = files.write(found, plan.text, params["backup"])
                return {**result, **({"backup_file": kept} if kept else {})}
            files.restrict(found)
            break
        except files.ChangedMeanwhileError:
            if attempt == ATTEMPTS:
                raise
    return result


def _wanted(params: dict[str, Any]) -> list[Wanted]:
    found = []
    for item in params["clusters"]:
        check_name(item["name"])
        stable = item.get("stable_name") or ""
        if stable:
            check_domains([stable], f"stable_name of cluster {item['name']}")
        found.append(
            Wanted(
                item["name"],
                item.get("context") or item["name"],
                bare_name(stable),
                tuple((name, item[name]) for name in CONNECTION if item.get(name)),
            )
        )
    twice = [name for name, count in Counter(_names(params, found)).items() if count > 1]
    if twice:
        raise EksError(
            f"Two clusters would have one context: {', '.join(twice)}. Give each of them a context of its own; no file "
            "was changed."
        )
    return found


def _names(params: dict[str, Any], wanted: list[Wanted]) -> list[str]:
    """The names of all contexts: those of the clusters, then those of the stable names."""
    names = [item.context for item in wanted] + sorted({item.stable_name for item in wanted if item.stable_name})
    return [f"{name}{params['context_suffix']}" for name in names]


def _check(params: dict[str, Any]) -> None:
    if params["state"] == "present" and not (params.get("exec_command") or [""])[0]:
        raise EksError("exec_command is empty: give the path of the exec credential program, ekspress_credential.")
    role = params.get("exec_role_arn") or ""
    if role:
        parse_iam(role, "role", "exec_role_arn")
    name = params.get("exec_session_name") or ""
    if name and not SESSION_NAME.fullmatch(name):
        raise EksError(
            f"exec_session_name {name!r} is not the name of a role's session: 2 to 64 letters, digits and characters "
            "of _+=,.@-"
        )
    if not role and (name or params.get("exec_external_id")):
        raise EksError("exec_session_name and exec_external_id belong to exec_role_arn; give that too.")


def _described(params: dict[str, Any], context: Context, wanted: list[Wanted]) -> list[Cluster]:
    """All clusters, by one DescribeCluster each; EksError that names all that cannot be had."""
    sessions = {item.connection: _session(params, context, dict(item.connection)) for item in wanted}

    def described(item: Wanted) -> Cluster:
        cluster = describe(sessions[item.connection], item.name)
        require_active(cluster)
        return cluster

    outcomes = settle(context, described, wanted)
    failures = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    unknown = [failure for failure in failures if not isinstance(failure, EksError)]
    if unknown:
        raise unknown[0]
    explained = [failure for failure in failures if isinstance(failure, EksError)]
    if explained:
        messages = list(dict.fromkeys(failure.message for failure in explained))
        raise EksError(" ".join(messages), **explained[0].details) from explained[0].__cause__
    return [outcome for outcome in outcomes if isinstance(outcome, Cluster)]


def _session(params: dict[str, Any], context: Context, connection: dict[str, str]) -> Aws:
    """The AWS session of clusters: the task's, with what they say in its place."""
    keys = dict.fromkeys(KEYS) if connection.get("profile") else {}
    return Aws({**params, **keys, **connection}, context)


def _contexts(params: dict[str, Any], wanted: list[Wanted], described: list[Cluster]) -> list[KubeContext]:
    suffix, command = params["context_suffix"], tuple(params["exec_command"])
    options = tuple(
        text
        for option, name in (
            ("--profile", "exec_profile"),
            ("--role-arn", "exec_role_arn"),
            ("--session-name", "exec_session_name"),
            ("--external-id", "exec_external_id"),
        )
        if params.get(name)
        for text in (option, params[name])
    )
    certificates = {id(cluster): certificates_of(cluster.ca_certificate, cluster.name) for cluster in described}
    found = [
        KubeContext(
            name=f"{item.context}{suffix}",
            server=cluster.endpoint,
            certificates=certificates[id(cluster)],
            tls_server_name="",
            command=(*command, "--cluster", cluster.name, "--region", cluster.region, *options),
        )
        for item, cluster in zip(wanted, described, strict=True)
    ]
    for stable in sorted({item.stable_name for item in wanted if item.stable_name}):
        pairs = zip(wanted, described, strict=True)
        members = sorted(
            (cluster for item, cluster in pairs if item.stable_name == stable), key=lambda one: (one.region, one.name)
        )
        among = [text for one in members for text in ("--among", f"{one.region}/{one.name}")]
        found.append(
            KubeContext(
                name=f"{stable}{suffix}",
                server=f"https://{stable}",
                certificates=tuple(dict.fromkeys(text for one in members for text in certificates[id(one)])),
                tls_server_name=params["tls_server_name"],
                command=(*command, "--name", stable, *among, *options),
            )
        )
    return found


def _result(found: files.Found, plan: kubeconfigs.Plan) -> dict[str, Any]:
    before, after = dict(plan.before), dict(plan.after)
    if found.text is not None and found.mode != files.MODE:
        before["mode"], after["mode"] = f"{found.mode:04o}", f"{files.MODE:04o}"
    return {
        "changed": plan.text != (found.text or "") or "mode" in before,
        "kubeconfig": found.path,
        "contexts": [{"name": name, "state": state} for name, state in plan.states.items()],
        "current_context": plan.current_context,
        "diff": {"before_header": found.path, "after_header": found.path, "before": before, "after": after},
    }


LOGIC = Logic(
    run=run,
    argument_spec=argument_spec,
    services=("eks",),
    libraries=("botocore", "yaml"),
    constraints={"required_if": [("state", "present", ("exec_command",))]},
)
