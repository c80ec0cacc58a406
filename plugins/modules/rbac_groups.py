#!/usr/bin/python
# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: rbac_groups
short_description: What groups of people may do in a Kubernetes cluster
version_added: 1.0.0
description:
  - Gives Kubernetes groups, such as those that EKS maps IAM roles to, their rights by RBAC. These are rules, existing
    ClusterRoles, and the rules of all ClusterRoles that have certain labels.
  - A group has its rights in the whole cluster, or in the namespaces whose names match and are not excluded. A
    namespace that is made later gets its RoleBindings in the next run. One that is being deleted gets none.
  - For a group C(NAME) it makes the ClusterRole C(ekspress:NAME) where the group has rules or labels, and
    C(ekspress:NAME:rules) where it has both, and ClusterRoleBindings or RoleBindings C(ekspress:NAME), or
    C(ekspress:NAME:CLUSTERROLE) for each of O(groups[].cluster_roles). All have the label
    C(ekspress.eks/managed-by=rbac-groups) and are applied server-side as field manager C(ekspress.eks).
  - Its own are the objects with that label and field manager. What somebody changed in them is put back, those that a
    listed group does not need any more are deleted, and those of groups that are not listed stay unless O(purge) says
    otherwise. No object of others is changed or deleted. Where one has a name that is needed, the module fails.
  - A binding whose role was replaced is deleted and made anew, for Kubernetes lets nobody change the role of a binding.
  - Costs one list each of ClusterRoles, ClusterRoleBindings and RoleBindings with the label, and one of namespaces
    where a group has scope V(namespaces), all at once, and C(eks:DescribeCluster) where O(cluster) is given. Only
    where objects are to be made it lists those kinds without the label too, to see whose names are taken.
  - Needs the permission to C(list) these kinds, and to C(create), C(patch) and C(delete) those of RBAC where they
    differ. Nobody may give rights that they do not have, so it also needs them itself, or the verbs C(bind) and
    C(escalate) for ClusterRoles. Members of C(system:masters) and whoever has the access policy
    C(AmazonEKSClusterAdminPolicy) may do all of this.
options:
  cluster:
    description:
      - Name of the EKS cluster, 1 to 100 letters, digits, hyphens and underscores.
      - One of O(cluster), O(kubeconfig) and O(host) is needed. Beside O(cluster), only O(proxy), O(impersonate_user)
        and O(impersonate_groups) of the Kubernetes options count.
    type: str
    aliases: [cluster_name]
  groups:
    description:
      - The groups. Each is listed once.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description:
          - Name of the group, 1 to 100 letters, digits and C(:._@+=-), with a letter or digit first. Groups of
            Kubernetes itself (C(system:)) are refused.
        type: str
        required: true
      rules:
        description:
          - What the group may do, in Kubernetes' words. These are C(apiGroups), C(resources), C(verbs), and where
            needed C(resourceNames), or C(nonResourceURLs) and C(verbs).
          - Other keys are refused. C(nonResourceURLs) need the scope V(cluster).
        type: list
        elements: dict
        default: []
      cluster_role_selectors:
        description:
          - Labels. The rules of every ClusterRole that has all labels of one of the items are the group's too, also of
            those that are made later. Custom resources get in by it.
          - Values are texts. Needs C(escalate) or full rights, as Kubernetes has it for every C(aggregationRule).
        type: list
        elements: dict
        default: []
      cluster_roles:
        description:
          - Names of ClusterRoles that are there already, such as V(edit), and that the group gets as they are.
        type: list
        elements: str
        default: []
      scope:
        description:
          - V(namespaces) gives the rights in namespaces alone.
          - V(cluster) gives them in every namespace, also in those that are made later, and for objects that are in
            none.
        type: str
        choices: [namespaces, cluster]
        default: namespaces
      namespaces:
        description:
          - Names of namespaces, with V(*) and V(?) for other characters. All (V(*)) where left out. Only with scope
            V(namespaces).
          - A name that is in no namespace of the cluster is warned of.
        type: list
        elements: str
      exclude_namespaces:
        description:
          - Names of namespaces, with V(*) and V(?), in which the group gets nothing, whatever O(groups[].namespaces)
            says. Where left out these are V(kube-*), in which controllers have IAM roles and rights in the whole
            cluster that whoever may start a program in their pods, or make pods beside them, would have too.
        type: list
        elements: str
  state:
    description:
      - V(present) gives each listed group exactly what is listed.
      - V(absent) takes everything from the listed groups that this module gave them; only their names count.
    type: str
    choices: [present, absent]
    default: present
  purge:
    description:
      - Whether groups that are not listed lose what this module gave them. Only with O(state=present).
    type: bool
    default: false
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - ekspress.eks.aws
  - ekspress.eks.kubernetes
  - ekspress.eks.attributes
attributes:
  check_mode:
    support: full
    details:
      - Plans and checks as the real run does, and sends what it would write as a dry run, so that missing permissions
        and admission webhooks fail here too.
  diff_mode:
    support: full
    details:
      - Shows the rules, roles and subjects of each object that changes.
  idempotent:
    support: full
seealso:
  - module: ekspress.eks.aws_auth
  - name: RBAC
    description: Kubernetes' reference of rules, roles and bindings.
    link: https://kubernetes.io/docs/reference/access-authn-authz/rbac/
author:
  - ekspress.eks contributors (@ekspress)
"""

EXAMPLES = r"""
- name: Read everywhere, and debug in the namespaces of applications
  ekspress.eks.rbac_groups:
    cluster: production-blue
    region: eu-central-1
    groups:
      - name: readonly
        scope: cluster
        cluster_role_selectors:
          - rbac.authorization.k8s.io/aggregate-to-view: "true"
        rules:
          - apiGroups: [""]
            resources: [nodes]
            verbs: [get, list, watch]
      - name: debugmode
        exclude_namespaces: [kube-*, traefik]
        rules:
          - apiGroups: [""]
            resources: [pods/exec]
            verbs: [get, create]

- name: A team's own namespaces, with a ClusterRole of Kubernetes
  ekspress.eks.rbac_groups:
    cluster: production-blue
    groups:
      - name: team-orders
        cluster_roles: [edit]
        namespaces: [team-orders, team-orders-*]

- name: Take what it may do from a group
  ekspress.eks.rbac_groups:
    cluster: production-blue
    groups:
      - name: team-orders
    state: absent
"""

RETURN = r"""
changes:
  description:
    - The objects that were changed, in order. In check mode, those that would be.
  returned: success
  type: list
  elements: str
  sample: ["create ClusterRole ekspress:debugmode", "create RoleBinding ekspress:debugmode in team-orders"]
namespaces:
  description:
    - The namespaces in which each listed group has its rights; none for a group with scope V(cluster).
  returned: success
  type: dict
  sample: {"debugmode": ["default", "team-orders"], "readonly": []}
unlisted:
  description:
    - Groups that are not listed and keep what this module gave them, as O(purge) is not set.
  returned: success
  type: list
  elements: str
  sample: []
error:
  description: The C(code) and C(message) of the refusal by AWS or Kubernetes, and the C(action) that was refused.
  returned: when a call was refused
  type: dict
"""

from ansible_collections.ekspress.eks.plugins.module_utils._rbac_groups import LOGIC
from ansible_collections.ekspress.eks.plugins.module_utils._runner import run_module


def main() -> None:
    """Run the module."""
    run_module(LOGIC)


if __name__ == "__main__":
    main()
