# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations


class ModuleDocFragment:
    """How releases are compared, charts fetched, turns taken and pods restarted, and what permissions that needs."""

    DOCUMENTATION = r"""
options: {}
notes:
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
