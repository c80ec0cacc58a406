# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The tags by which Cluster Autoscaler finds Auto Scaling groups and knows the nodes of an empty one.

Their names and forms: cluster-autoscaler/cloudprovider/aws/README.md in kubernetes/autoscaler. EKS puts those by which
groups are found on the groups of managed node groups: https://docs.aws.amazon.com/eks/latest/userguide/managed-node-groups.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils import _autoscaling_notes as notes
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError

PREFIX = "k8s.io/cluster-autoscaler/"
NODE_TEMPLATE = f"{PREFIX}node-template/"
OWNER = "cluster_autoscaler"
"""The add-on's name, under which its tags are noted."""
TEMPLATE = ("labels", "resources", "taints")
EFFECTS = {"NO_SCHEDULE": "NoSchedule", "NO_EXECUTE": "NoExecute", "PREFER_NO_SCHEDULE": "PreferNoSchedule"}
"""Effects of taints as the EKS API spells them, and as Kubernetes does."""


def discovery_tags(cluster: str) -> dict[str, str]:
    """The tags of the groups that Cluster Autoscaler scales, which its IAM policy asks for too."""
    return {f"{PREFIX}enabled": "true", f"{PREFIX}{cluster}": "owned"}


def groups(
    cluster: Mapping[str, Any],
    templates: Mapping[str, Mapping[str, Any]] | None = None,
    ignored: Iterable[str] = (),
    state: str = "present",
) -> list[dict[str, Any]]:
    """What Cluster Autoscaler wants of each Auto Scaling group of the cluster.

    Managed node groups: the tags of EKS are required, and those of a node template follow from labels and taints.
    Self-managed groups: all are written. ``templates`` (labels, taints, resources) and ``ignored`` go by the name of
    the node group or of the Auto Scaling group. Every group has an entry, so that tags that were written before and are
    not wanted any more go. Raises EksError for a name that the cluster does not have.
    """
    living = [group for group in cluster["node_groups"] if group.get("status") != "DELETING"]
    managed = {name: group for group in living for name in group["auto_scaling_group_names"]}
    self_managed = [group["name"] for group in cluster["auto_scaling_groups"] if not group["node_group"]]
    node_groups = [group["name"] for group in cluster["node_groups"]]
    known = {*managed, *self_managed, *node_groups}
    ignored, templates = set(ignored), templates or {}
    for name, template in templates.items():
        if set(template) - set(TEMPLATE):
            raise EksError(
                f"cluster_autoscaler_node_templates: {name} has {', '.join(sorted(set(template) - set(TEMPLATE)))}; a "
                f"template has {', '.join(TEMPLATE)}."
            )
    if state == "present":
        _refuse_unknown(cluster["name"], known, templates, "cluster_autoscaler_node_templates")
        _refuse_unknown(cluster["name"], known, ignored, "cluster_autoscaler_ignored_groups")
        _refuse_found(cluster, ignored)
    found = discovery_tags(cluster["name"])
    made: list[dict[str, Any]] = []
    for name, group in sorted(managed.items()):
        if ignored & {name, group["name"]}:
            made.append({"names": [name], "state": "absent"})
            continue
        wanted = [group, templates.get(group["name"], {}), templates.get(name, {})]
        required = {} if state == "absent" else {"required_tags": found}
        made.append({"names": [name], "tags": _merged(name, wanted), "state": state, **required})
    for name in sorted(self_managed):
        tags = found | _merged(name, [templates.get(name, {})])
        made.append({"names": [name], "tags": tags, "state": "absent" if name in ignored else state})
    return made


def _refuse_unknown(cluster: str, known: set[str], names: Iterable[str], variable: str) -> None:
    unknown = sorted(set(names) - known)
    if unknown:
        raise EksError(
            f"{variable} names {', '.join(unknown)}, but cluster {cluster} has no such node group or Auto Scaling "
            f"group. It has {', '.join(sorted(known)) or 'none'}; a self-managed group counts if it has the tag "
            f"kubernetes.io/cluster/{cluster}."
        )


def _refuse_found(cluster: Mapping[str, Any], ignored: set[str]) -> None:
    """Refuse to ignore a group that Cluster Autoscaler finds all the same, by tags that are not ours to take away."""
    wanted = discovery_tags(cluster["name"])
    for group in cluster["auto_scaling_groups"]:
        tags = group["tags"]
        noted = notes.read(tags, OWNER)
        if not ignored & {group["name"], group["node_group"]} or wanted != {key: tags.get(key) for key in wanted}:
            continue
        if not any(notes.mark(key, value) in noted for key, value in wanted.items()):
            raise EksError(
                f"cluster_autoscaler_ignored_groups names {group['node_group'] or group['name']}, but its Auto Scaling "
                f"group {group['name']} has the tags {' and '.join(wanted)}, which this role did not set, so that "
                "Cluster Autoscaler would scale it all the same. Take one of them off the group (EKS sets them once, "
                "when it makes a node group), then run again."
            )


def _merged(name: str, templates: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    tags: dict[str, str] = {}
    for template in templates:
        tags |= _template_tags(name, template)
    return tags


def _template_tags(name: str, template: Mapping[str, Any]) -> dict[str, str]:
    """The tags of labels, taints and resources, as Cluster Autoscaler reads them."""
    if any("key" not in taint for taint in template.get("taints") or []):
        raise EksError(
            f"A taint of {name} in cluster_autoscaler_node_templates has no key; give key, value and effect."
        )
    labels = {f"{NODE_TEMPLATE}label/{key}": _text(value) for key, value in (template.get("labels") or {}).items()}
    resources = {
        f"{NODE_TEMPLATE}resources/{key}": _text(value) for key, value in (template.get("resources") or {}).items()
    }
    taints = {
        f"{NODE_TEMPLATE}taint/{taint['key']}": f"{taint.get('value') or ''}:{_effect(name, taint)}"
        for taint in template.get("taints") or []
    }
    return labels | resources | taints


def _text(value: Any) -> str:
    """A value as a label has it, also where YAML made a boolean of it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _effect(name: str, taint: Mapping[str, Any]) -> str:
    effect = EFFECTS.get(taint.get("effect", ""), taint.get("effect", ""))
    if effect not in EFFECTS.values():
        raise EksError(
            f"The taint {taint['key']} of {name} has the effect {effect!r}; in cluster_autoscaler_node_templates it "
            f"must be one of {', '.join(EFFECTS.values())}."
        )
    return str(effect)
