#!/usr/bin/python
# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: autoscaling_groups
short_description: Tags and lifecycle hooks of EC2 Auto Scaling groups
version_added: 1.0.0
description:
  - Sets, verifies and removes tags of EC2 Auto Scaling groups, of their running instances where asked to, and lifecycle
    hooks, of any number of groups at once. Made for what add-ons need of a cluster's groups, which
    M(ekspress.eks.cluster_info) names.
  - A group may be listed several times, for instance once by each add-on. All entries of a group count together; where
    two of them contradict each other the module fails and names both.
  - Tags and hooks that are not listed are never touched, and neither is whom a listed hook notifies.
  - Everything is read and checked before the first write, AWS's limits included.
  - Makes one C(DescribeAutoScalingGroups) for each 100 groups and, side by side with it, one C(DescribeLifecycleHooks)
    for each group that has hooks listed; then one C(ec2:DescribeTags) for each 200 instances of groups with
    O(groups[].propagate). An unchanged run writes nothing.
  - Writes tags of all groups together, 25 a call (which is all that AWS takes), tags of instances with one call for
    each distinct set, and hooks with one call each; side by side. Hooks are deleted before tags are removed, and put
    after tags were set, so that no instance waits for a hook whose handler does not know it.
  - Needs the permissions C(autoscaling:DescribeAutoScalingGroups) and, as the options ask for it,
    C(autoscaling:DescribeLifecycleHooks), C(autoscaling:CreateOrUpdateTags), C(autoscaling:DeleteTags),
    C(autoscaling:PutLifecycleHook), C(autoscaling:DeleteLifecycleHook), C(ec2:DescribeTags), C(ec2:CreateTags) and
    C(ec2:DeleteTags).
options:
  groups:
    description: The groups. None is touched that is not listed.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the EC2 Auto Scaling group.
        type: str
        required: true
      owner:
        description:
          - Who asks, such as the name of an add-on; 1 to 64 letters, digits and the characters C(_.-). The tags that it
            sets are noted in the group's tag C(ekspress.eks/tags/OWNER), 28 at most. Those that it had set before and
            that no entry of the group has any more are removed, from instances too if they were propagated and the
            entry has O(groups[].propagate).
          - A tag that was there before with the same value, or that somebody else has changed since, is not its own and
            stays. So with O(groups[].state=absent) only what is noted is removed, whether it is listed or not.
        type: str
      state:
        description:
          - V(present) sets tags and puts hooks. The module fails, before it writes anything, where there is no such
            group.
          - V(absent) removes O(groups[].tags) whose value is the one that is given, and O(groups[].lifecycle_hooks) by
            their names. A warning names tags that stay because they have another value. A group that does not exist, or
            that is being deleted, needs nothing.
        type: str
        choices: [present, absent]
        default: present
      tags:
        description:
          - Tags of the group. A key has up to 128 characters, a value up to 256; neither may start with C(aws:), and
            no key with C(ekspress.eks/).
          - A tag that is there already keeps its C(PropagateAtLaunch), unless O(groups[].propagate) is V(true).
        type: dict
        default: {}
      propagate:
        description:
          - Whether instances have the entry's O(groups[].tags) too. With O(groups[].state=present) the tags are marked
            as propagated at launch, and instances that are in the group already and lack them, or have them with
            another value, get them. With O(groups[].state=absent) instances lose those that have the given value.
          - Keys have up to 127 characters then. Instances that are on their way out of the group (terminating,
            detaching) are left alone.
        type: bool
        default: false
      required_tags:
        description:
          - Tags that the group must have, with these values; they are never written. The module fails before it writes
            anything, naming each group and tag that is missing.
          - For tags that somebody else sets, such as those of EKS on the groups of managed node groups. Those that this
            run sets count too.
          - Not looked at with O(groups[].state=absent).
        type: dict
        default: {}
      lifecycle_hooks:
        description: Lifecycle hooks of the group; with O(groups[].state=absent) only their names count.
        type: list
        elements: dict
        default: []
        suboptions:
          name:
            description: Name of the hook, 1 to 255 letters, digits and the characters C(-_/).
            type: str
            required: true
          transition:
            description:
              - The transition that instances wait in. Required with O(groups[].state=present).
            type: str
            choices: [terminating, launching]
          heartbeat_timeout:
            description: Seconds that an instance waits at most for a sign of life from the hook's handler, 30 to 7200.
            type: int
            default: 3600
          default_result:
            description: What happens after O(groups[].lifecycle_hooks[].heartbeat_timeout).
            type: str
            choices: [CONTINUE, ABANDON]
            default: ABANDON
      purge_tag_prefixes:
        description:
          - Beginnings of keys; other tags of the group whose keys start so are removed. Those that any entry of the
            group has in O(groups[].tags) or O(groups[].required_tags) stay, and so do those of AWS (C(aws:)). Instances
            keep theirs.
          - Not looked at with O(groups[].state=absent).
        type: list
        elements: str
        default: []
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - ekspress.eks.aws
  - ekspress.eks.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details: Shows the tags, hooks and instances' tags that it sets or removes, by group.
  idempotent:
    support: full
notes:
  - An instance that the group launches after the module has read it, and before a tag is marked as propagated, gets the
    tag by the next run.
  - The limits are 50 tags for a group and for an instance (those that start with C(aws:) do not count), and 50 hooks
    for a group.
seealso:
  - module: ekspress.eks.cluster_info
  - name: Tag Auto Scaling groups and instances
    description: AWS's rules for these tags.
    link: https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-tagging.html
  - name: Lifecycle hooks
    description: What they do, and who completes them.
    link: https://docs.aws.amazon.com/autoscaling/ec2/userguide/lifecycle-hooks.html
author:
  - ekspress.eks contributors (@ekspress)
"""

EXAMPLES = r"""
- name: Let the Cluster Autoscaler find the groups of self-managed nodes, and scale one of them from zero
  ekspress.eks.autoscaling_groups:
    region: eu-central-1
    groups:
      - name: production-blue-spot
        tags:
          k8s.io/cluster-autoscaler/enabled: "true"
          k8s.io/cluster-autoscaler/production-blue: owned
          k8s.io/cluster-autoscaler/node-template/label/workload: batch
        purge_tag_prefixes: [k8s.io/cluster-autoscaler/node-template/]

- name: Make sure that EKS has tagged the group of a managed node group, as ekspress.eks.cluster_info names it
  ekspress.eks.autoscaling_groups:
    region: eu-central-1
    groups:
      - name: "{{ info.cluster.node_groups[0].auto_scaling_group_names[0] }}"
        required_tags:
          k8s.io/cluster-autoscaler/enabled: "true"
          k8s.io/cluster-autoscaler/production-blue: owned

- name: Let the Node Termination Handler drain what the group terminates
  ekspress.eks.autoscaling_groups:
    region: eu-central-1
    groups:
      - name: production-blue-spot
        tags:
          aws-node-termination-handler/production-blue: managed
        propagate: true
        lifecycle_hooks:
          - name: drain
            transition: terminating
            heartbeat_timeout: 300
            default_result: CONTINUE

- name: Take that back
  ekspress.eks.autoscaling_groups:
    region: eu-central-1
    groups:
      - name: production-blue-spot
        state: absent
        tags:
          aws-node-termination-handler/production-blue: managed
        propagate: true
        lifecycle_hooks:
          - name: drain
"""

RETURN = r"""
groups:
  description: The groups, each once, sorted by name.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Name of the group.
      type: str
      sample: production-blue-spot
    tags_set:
      description:
        - Tags of the group that were (or in check mode would be) added, given another value or marked as propagated.
      type: dict
      sample: {"k8s.io/cluster-autoscaler/enabled": "true"}
    tags_removed:
      description: Tags of the group that were (or would be) removed, with the values they had.
      type: dict
    hooks_set:
      description: Names of lifecycle hooks that were (or would be) made or changed, sorted.
      type: list
      elements: str
      sample: [drain]
    hooks_removed:
      description: Names of lifecycle hooks that were (or would be) removed, sorted.
      type: list
      elements: str
    instances_tagged:
      description: IDs of instances that got (or would get) tags, sorted; not those that were gone by then.
      type: list
      elements: str
      sample: [i-0123456789abcdef0]
    instances_untagged:
      description: IDs of instances that lost (or would lose) tags, sorted; not those that were gone by then.
      type: list
      elements: str
written_groups:
  description:
    - Where a write failed, names of the groups of which anything was written before, sorted. The next run does the
      rest.
  returned: failure of a write
  type: list
  elements: str
error:
  description: The C(code) and C(message) of AWS's refusal and the C(action) that was refused.
  returned: when AWS refused a call
  type: dict
"""

from ansible_collections.ekspress.eks.plugins.module_utils._autoscaling_groups import LOGIC
from ansible_collections.ekspress.eks.plugins.module_utils._runner import run_module


def main() -> None:
    run_module(LOGIC)


if __name__ == "__main__":
    main()
