# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""autoscaling_groups: tags and lifecycle hooks of EC2 Auto Scaling groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils import _autoscaling_groups_api as api
from ansible_collections.ekspress.eks.plugins.module_utils import _autoscaling_groups_plan as planning
from ansible_collections.ekspress.eks.plugins.module_utils._autoscaling_groups_input import (
    argument_spec,
    wanted_groups,
)
from ansible_collections.ekspress.eks.plugins.module_utils._autoscaling_groups_plan import Change, Group, Plan, Wanted
from ansible_collections.ekspress.eks.plugins.module_utils._aws import Aws
from ansible_collections.ekspress.eks.plugins.module_utils._context import Context, Logic
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError


def run(params: dict[str, Any], context: Context) -> dict[str, Any]:
    """Converge the groups. Raises EksError; nothing is written before everything was read and checked."""
    wanted = wanted_groups(params["groups"])
    aws = Aws(params, context)
    groups = api.read(aws, context, wanted)
    plan = planning.make(wanted, groups)
    _check(plan, aws.region)
    for warning in plan.warnings:
        context.warn(warning)
    gone = frozenset[str]() if context.check_mode else api.write(aws, context, plan)
    return {
        "changed": bool(plan.changes),
        "groups": [_result(item, plan.changes.get(item.name, Change()), gone) for item in wanted],
        "diff": _diff(plan, groups),
    }


def _check(plan: Plan, region: str) -> None:
    problems = list(plan.problems)
    if plan.missing:
        names = ", ".join(repr(name) for name in plan.missing)
        problems.insert(
            0,
            f"There is no EC2 Auto Scaling group {names} in {region}. Check the names, the region and the AWS account.",
        )
    if problems:
        raise EksError(f"{' '.join(problems)} Nothing was changed.")


def _result(wanted: Wanted, change: Change, gone: frozenset[str]) -> dict[str, Any]:
    return {
        "name": wanted.name,
        "tags_set": {key: tag.value for key, tag in sorted(change.set.items())},
        "tags_removed": {key: tag.value for key, tag in sorted(change.removed.items())},
        "hooks_set": sorted(change.hooks),
        "hooks_removed": sorted(change.removed_hooks),
        "instances_tagged": sorted(set(change.instances) - gone),
        "instances_untagged": sorted(set(change.untagged) - gone),
    }


def _diff(plan: Plan, groups: Mapping[str, Group]) -> dict[str, Any]:
    changed = sorted(plan.changes.items())
    return {
        "before": {name: _touched(groups[name], change) for name, change in changed},
        "after": {name: _touched(planning.after(groups[name], change), change) for name, change in changed},
    }


def _touched(group: Group, change: Change) -> dict[str, Any]:
    """What a change touches of a group, as it is in ``group``; parts without any are left out."""
    keys: dict[str, Sequence[str]] = {
        instance_id: sorted({**change.instances.get(instance_id, {}), **change.untagged.get(instance_id, {})})
        for instance_id in sorted({**change.instances, **change.untagged})
    }
    parts = {
        "tags": {
            key: {"value": group.tags[key].value, "propagate_at_launch": group.tags[key].propagate}
            for key in sorted(
                {**change.set, **change.removed, **change.noted, **change.noted_after, **change.notes_gone}
            )
            if key in group.tags
        },
        "lifecycle_hooks": {
            name: asdict(group.hooks[name])
            for name in sorted({**change.hooks, **change.removed_hooks})
            if name in group.hooks
        },
        "instances": {
            instance_id: {key: group.instances[instance_id][key] for key in of if key in group.instances[instance_id]}
            for instance_id, of in keys.items()
        },
    }
    return {name: part for name, part in parts.items() if part}


LOGIC = Logic(run=run, argument_spec=argument_spec, services=("autoscaling", "ec2"))
