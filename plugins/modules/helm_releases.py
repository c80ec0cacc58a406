#!/usr/bin/python
# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: helm_releases
short_description: All Helm releases of a cluster, converged as a graph
version_added: 1.0.0
description:
  - Reads Helm's record of all listed releases with one list call, decides for each what is to be done, and does it
    side by side, each release as soon as what it needs is ready.
  - A release is unchanged if its status is deployed and its chart's name, version and digest and its values are those
    wanted. No helm process runs for an unchanged release, and no registry is asked.
options:
  releases:
    description: The releases. Others in the cluster are not touched.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the release, 1 to 53 lower-case letters, digits and hyphens.
        type: str
        required: true
      namespace:
        description: Namespace of the release.
        type: str
        default: default
      create_namespace:
        description: Whether the namespace is made where it does not exist.
        type: bool
        default: false
      chart:
        description:
          - Name of the chart in O(releases[].repository), or an C(oci://) address, or the absolute path of a chart's
            directory or archive. Needed with O(releases[].state=present).
        type: str
      digest:
        description:
          - SHA-256 of the chart's archive, C(sha256:) and 64 hexadecimal digits, as a repository's index has it. It is
            the same in every repository and registry that holds the archive.
          - The release is upgraded where it was made of another archive or it is not known of which. An archive with
            another digest is refused. Does not count for a directory.
        type: str
      repository:
        description:
          - Where the chart is found by its name. URL of a chart repository (C(https://), with user and password in it
            if need be), an C(oci://) address, or an absolute directory of unpacked charts.
        type: str
      version:
        description:
          - Exact version of the chart, as in V(1.2.3). Needed for a chart that is fetched; checked for a local one.
        type: str
      values:
        description:
          - Values of the chart. A number that Helm would change, as it keeps floats of 64 bits, is refused; write it
            as a string. What the chart's schema refuses is named by its key.
        type: dict
        default: {}
      values_variable:
        description:
          - Name of the Ansible variable by which the user of a role sets O(releases[].values). Messages send the user
            there where a value is wrong or missing; it has no other meaning.
        type: str
      values_from:
        description:
          - Values that are fields of live objects, such as the name of a load balancer in the status of an Ingress.
          - They are read before anything is decided, one call each, and where the run changes anything again once all
            releases in O(releases[].needs) are done, so that a field may come in the run itself. Give the release that
            makes the object a gate that waits for it; where it is not there then, the release fails.
        type: list
        elements: dict
        default: []
        suboptions:
          kind:
            description:
              - Kind of the object, as in O(releases[].gates[].kind).
            type: str
            required: true
            choices: [deployment, daemonset, statefulset, job, crd, apiservice, ingress, service]
          name:
            description:
              - Name of the object.
            type: str
            required: true
          namespace:
            description:
              - Namespace of the object; the release's by default.
            type: str
          path:
            description:
              - Path of the field, as in V(status.loadBalancer.ingress[0].hostname). It must be a text, a number or a
                boolean. Keys have letters, digits, hyphens and underscores.
            type: str
            required: true
          value:
            description:
              - Place in the chart's values, keys joined by dots. Fails where O(releases[].values) gives it, too.
            type: str
            required: true
      needs:
        description:
          - Names of releases of the same task that must be ready before this one is touched; C(namespace/name) where
            a name is in several namespaces.
          - With O(releases[].state=absent) it works the other way round. What is needed is removed last.
        type: list
        elements: str
        default: []
      gates:
        description: What must hold before the release counts as done.
        type: list
        elements: dict
        default: []
        suboptions:
          kind:
            description:
              - V(deployment), V(daemonset) and V(statefulset) are rolled out and available, V(job) has completed. A
                Deployment or StatefulSet that was scaled to 0, though its release gives it more replicas, fails.
              - V(crd) is established. V(apiservice) is available.
              - V(ingress) and V(service) have the address of a load balancer. A Service of another type fails.
              - V(webhook) is a mutating or validating webhook configuration, or both of the same name, whose webhooks
                have a CA and whose Services have ready endpoints.
              - V(admission) is a server-side dry run that creates O(releases[].gates[].manifest). It holds if the API
                with all its webhooks admits it. While a webhook does not answer, or with a certificate of another CA,
                it is tried again; a webhook's or the API's refusal fails at once. Nothing is created.
            type: str
            required: true
            choices: [deployment, daemonset, statefulset, job, crd, apiservice, ingress, service, webhook, admission]
          name:
            description: Name of the object. Not for V(admission).
            type: str
          namespace:
            description: Namespace of the object; the release's by default.
            type: str
          manifest:
            description: The object that V(admission) tries to create. Its namespace is the release's by default.
            type: dict
          timeout:
            description: Longest wait in seconds; the release's timeout by default.
            type: int
          reconciled:
            description: For V(ingress). Whether its controller must have worked on it as it is now; see the notes.
            type: bool
            default: false
      crds:
        description:
          - V(apply) applies what is in C(crds/) of the chart, but fails where somebody else than Helm and this
            collection holds fields that would change.
          - V(take_over) takes such fields over. V(skip) leaves CRDs alone.
        type: str
        choices: [apply, take_over, skip]
        default: apply
      take_ownership:
        description:
          - Whether objects of the chart that are there already, made by another tool, become the release's
            (C(helm --take-ownership), which needs Helm 3.17). With Helm 4 fields that others hold are taken over too.
        type: bool
        default: false
      drift:
        description:
          - Whether the objects of a release that is unchanged otherwise are compared with those that Helm recorded, two
            calls each (one of them a dry run), and those that are missing or differ are put back, server-side as field
            manager C(helm). The release counts as V(repaired); no helm process runs, and there is no new revision.
          - Fields that the release does not give, such as those that others added, do not count. Leave out of the
            release what something else is to decide, such as the replicas of a Deployment that is scaled.
          - Hooks and CRDs are not compared.
        type: bool
        default: false
      state:
        description:
          - Whether the release is there. V(absent) removes it with its history and waits until its objects are gone.
        type: str
        choices: [present, absent]
        default: present
      timeout:
        description:
          - Seconds that helm may take, for a hook or as a whole, and that each gate is waited for. helm is stopped 30
            seconds later.
        type: int
        default: 300
      plain_http:
        description: Talk to this chart's OCI registry by plain HTTP. O(plain_http) by default.
        type: bool
      used_by:
        description:
          - Objects because of which the release must stay, by their finalizers, class or namespace. While there are
            such, a release that is to be absent is not removed, nor what needs it, and the task fails with their names
            at once. Those that are being deleted already, or with releases of this run, are waited for.
        type: list
        elements: dict
        default: []
        suboptions:
          api_version:
            description: API group and version of the kind, as in V(networking.k8s.io/v1).
            type: str
            required: true
          kind:
            description: Kind of the objects. One that the cluster does not know has none.
            type: str
            required: true
          finalizers:
            description: One must be on it that the release takes away. One ending with a slash is for all beginning so.
            type: list
            elements: str
            default: []
          ingress_class:
            description: Only objects with this C(spec.ingressClassName) or annotation C(kubernetes.io/ingress.class).
            type: str
            default: ""
          namespace:
            description:
              - Only objects of this namespace. Where it alone is given, the namespace would be deleted with all that is
                in it. What belongs to workloads, or is Kubernetes' own, does not count then.
            type: str
            default: ""
          name:
            description: Only the object of this name.
            type: str
            default: ""
          annotation:
            description: Only objects, the run's own too, that this annotation, with the pattern, keeps from deletion.
            type: str
            default: ""
          pattern:
            description: Regular expression (of Python) that is looked for in the annotation.
            type: str
            default: ""
          label_selector:
            description: Only objects with these labels.
            type: str
            default: ""
          advice:
            description: What the message tells to do, as a sentence.
            type: str
            default: Delete them before, then run again.
      leftovers:
        description:
          - Objects that are there after C(helm uninstall), because a program of the release made them or because Helm
            leaves them, such as leases and CRDs. With O(releases[].state=absent) they are removed after the release.
            A CRD stays that has objects or that others have applied too; it goes in a later run once that has changed.
        type: list
        elements: dict
        default: []
        suboptions:
          api_version:
            description: API group and version of the object.
            type: str
            required: true
          kind:
            description: Kind of the object.
            type: str
            required: true
          name:
            description: Name of the object.
            type: str
            required: true
          namespace:
            description: Namespace of the object, where its kind has one.
            type: str
            default: ""
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - ekspress.eks.aws
  - ekspress.eks.kubernetes
  - ekspress.eks.helm
  - ekspress.eks.attributes
attributes:
  check_mode:
    support: full
    details:
      - Decides as the real run does, and lets helm fetch and render what would change (C(--dry-run=client)), so that a
        chart that is not there or refuses its values fails here too. Releases that would be removed, or rolled back
        first, are not rendered. The gates of unchanged releases are read once, and a warning says which do not hold;
        an V(admission) gate sends its dry run.
  diff_mode:
    support: full
    details:
      - Shows chart, version and status, the values that differ, and what differs of the release's objects and CRDs,
        leaf by leaf.
      - The content of Secrets, and a value whose key looks like a secret's (password, token, key, …), is hidden, as in
        the task's invocation and in helm's words; other values are shown, so set C(no_log) for values that hold secrets
        under other keys.
  idempotent:
    support: full
author:
  - ekspress.eks contributors (@ekspress)
"""

EXAMPLES = r"""
- name: Two add-ons, the second after the first's webhooks answer
  ekspress.eks.helm_releases:
    cluster: production-blue
    region: eu-central-1
    releases:
      - name: aws-load-balancer-controller
        namespace: kube-system
        repository: https://aws.github.io/eks-charts
        chart: aws-load-balancer-controller
        version: 3.5.0
        values:
          clusterName: production-blue
          keepTLSSecret: true
        gates:
          - kind: deployment
            name: aws-load-balancer-controller
          - kind: webhook
            name: aws-load-balancer-webhook
      - name: traefik
        namespace: traefik
        create_namespace: true
        repository: oci://ghcr.io/traefik/helm
        chart: traefik
        version: 41.3.0
        needs: [aws-load-balancer-controller]
        gates:
          - kind: deployment
            name: traefik

- name: Remove them, in the reverse order of their needs
  ekspress.eks.helm_releases:
    cluster: production-blue
    releases:
      - name: aws-load-balancer-controller
        namespace: kube-system
        state: absent
      - name: traefik
        namespace: traefik
        needs: [aws-load-balancer-controller]
        state: absent

- name: A chart of a directory, in a cluster of a kubeconfig
  ekspress.eks.helm_releases:
    kubeconfig: ~/.kube/config
    context: kind-test
    releases:
      - name: smoke-test
        chart: "{{ playbook_dir }}/charts/smoke-test"
"""

RETURN = r"""
releases:
  description: What became of each release, in the order given. Also there where the task failed.
  returned: always, but where an option or the connection is wrong
  type: list
  elements: dict
  contains:
    name:
      description: Name of the release.
      type: str
      sample: traefik
    namespace:
      description: Namespace of the release.
      type: str
      sample: traefik
    state:
      description:
        - V(unchanged), V(installed), V(upgraded), V(repaired), V(removed); V(failed); V(skipped), where it needs one
          that failed. In check mode, what a run without faults would say.
      type: str
      sample: upgraded
    message:
      description: Why it was changed, or why it failed, in Helm's own words where Helm failed.
      type: str
      sample: "version 41.2.0 becomes 41.3.0"
    seconds:
      description: How long it took, gates included.
      type: float
      sample: 3.2
    chart:
      description: Name of the chart.
      returned: where the release is to be present
      type: str
      sample: traefik
    version:
      description: Version of the chart.
      returned: where the release is to be present
      type: str
      sample: 41.3.0
    skipped_because_of:
      description: Releases (namespace/name) whose failure kept this one from being touched.
      returned: where it was skipped
      type: list
      elements: str
      sample: [kube-system/aws-load-balancer-controller]
"""

from ansible_collections.ekspress.eks.plugins.module_utils._helm_releases import LOGIC
from ansible_collections.ekspress.eks.plugins.module_utils._runner import run_module


def main() -> None:
    """Run the module."""
    run_module(LOGIC)


if __name__ == "__main__":
    main()
