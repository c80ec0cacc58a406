# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations


class ModuleDocFragment:
    """The options but the releases; how these are compared, gated and restarted; what permissions that needs."""

    DOCUMENTATION = r"""
options:
  cluster:
    description:
      - Name of the EKS cluster, 1 to 100 letters, digits, hyphens and underscores.
      - One of O(cluster), O(kubeconfig) and O(host) is needed. Beside O(cluster), only O(proxy), O(impersonate_user)
        and O(impersonate_groups) of the Kubernetes options count.
    type: str
    aliases: [cluster_name]
  concurrency:
    description:
      - Number of releases that are worked on at once, their gates included. With V(1) they are converged one after the
        other.
    type: int
    default: 4
  helm_binary:
    description: Name or path of the helm program, version 3.14 or later, or 4. Only needed where something changes.
    type: path
    default: helm
    aliases: [binary_path]
  plain_http:
    description: Talk to OCI registries by plain HTTP, for a registry on the same machine.
    type: bool
    default: false
notes:
  - One release that fails stops only those that need it. The task then fails with the result of every release.
  - Releases that are to be absent are removed before those that they need. What uses them must be listed for that, and
    what they leave got and deleted, for which the caller needs permissions.
  - Readiness is not left to C(helm --wait). Gates say what must hold before a release counts as done and what needs it
    begins. They are watched, and fail early, with the pod's reason and events, where waiting is of no use (an image
    that cannot be pulled, three crashes in a row, a quota that is used up, no node for two minutes, a Job that failed).
  - Gates of unchanged releases are read too, one call each or a few; where one does not hold it is waited for, and the
    release fails after the gate's timeout, so that a broken add-on is never reported as fine.
  - After a change of an Ingress its address may be that of the load balancer before, until the AWS Load Balancer
    Controller has worked on it. With O(releases[].gates[].reconciled) it has where the status was written since the
    last change of spec or annotations, or where there is an event C(SuccessfullyReconciled) since then, 10 seconds
    after the change (60 where the address is of another scheme than asked for). An Ingress that has not changed for an
    hour is not looked at.
  - What is in C(crds/) of a chart, and of those of its subcharts that its values enable, is applied server-side before
    each install and upgrade, as field manager C(ekspress.eks), where it differs. Helm itself never changes a CRD that
    is there. Fields that Helm put there are taken over; where somebody else holds a field that would change the release
    fails, see O(releases[].crds). CRDs are not removed with a release.
  - Where Helm was stopped halfway (status pending, uninstalling or unknown) the release is rolled back to its last
    complete revision, or uninstalled where it has none, and upgraded; where it failed it is upgraded. Both are reported
    as V(repaired).
  - The digest is that of the chart's archive. A directory's is made of all files that helm reads, subcharts included
    and those that C(.helmignore) names left out. It is kept as the label C(ekspress.eks/chart-digest) of Helm's record,
    so that a release of a local chart that somebody else made is upgraded once. A chart that is fetched and turns out
    to have another digest than the release or an earlier run had for its version is refused, until
    O(releases[].digest) says that it is meant.
  - Archives are cached by their digest (C(~/.cache/ekspress.eks/charts)), and the index of a repository is read once a
    run. Where a registry or repository does not answer, the cached archive of the same version is used, with a warning.
  - Values are compared by meaning with those that were given at the last install or upgrade; the chart's own defaults
    do not count. Values always replace what was given before, as with C(helm upgrade --reset-values).
  - Runs that change releases of the same cluster take turns. Each holds the lease C(ekspress-eks-helm-releases) in
    C(kube-system) meanwhile; a run that was killed is waited for 15 seconds, a run that goes on for up to 15
    minutes. An unchanged run takes no lease. A run whose lease was taken by another, as it was cut off from the API,
    stops.
  - EKS gives a pod the IAM role that its service account names (annotation C(eks.amazonaws.com/role-arn)) only as the
    pod starts. Where an upgrade, an adoption or the repair of drift changes what a service account of the release says
    of the role, the Deployments, DaemonSets and StatefulSets of the release that use it and whose pods are not
    replaced anyway are restarted, as C(kubectl rollout restart) does it, and the message says so. What is owed is
    noted before the change in the label C(ekspress.eks/restart-since) of Helm's record, so that the next run does
    it where this one is ended.
  - Needs, beside what the charts make, the permission to list Secrets in all namespaces and to patch those of the
    releases, to get the releases' namespaces, to read and watch what the gates name, to get, watch, create, update and
    delete the lease, and to get, watch, create and patch what is in C(crds/) of the charts; with O(releases[].drift) to
    get, create and patch the releases' objects.
  - Talks to the API with a token for the EKS cluster that it makes by itself. helm gets it in its environment, values
    on its standard input; no secret is in an argument or a file. helm's cache and settings are this collection's own
    (C(~/.cache/ekspress.eks/helm)), only the user's registry logins (C(helm registry login)) are read.
  - To a private registry of Amazon ECR it logs in by the task's own AWS credentials, which need
    C(ecr:GetAuthorizationToken), C(ecr:BatchGetImage) and C(ecr:GetDownloadUrlForLayer). The user's registry logins
    count where these credentials get no token.
"""
