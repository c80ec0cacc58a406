# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the guards of aws_auth must know beside the ConfigMap: who calls, and which roles Fargate's pods run with."""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils._aws import Aws
from ansible_collections.ekspress.eks.plugins.module_utils._context import Context
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError
from ansible_collections.ekspress.eks.plugins.module_utils._kubernetes import Kubernetes
from ansible_collections.ekspress.eks.plugins.module_utils._kubernetes_errors import KubernetesError
from ansible_collections.ekspress.eks.plugins.module_utils._parallel import gather

REVIEW = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
"""Since Kubernetes 1.28, open to everyone who is authenticated:
https://kubernetes.io/docs/reference/access-authn-authz/authentication/#self-subject-review"""

ARN_KEYS = ("canonicalarn", "arn")
"""Extra attributes, in lower case, that EKS gives a user; the first names the role of an assumed role's session:
https://github.com/kubernetes-sigs/aws-iam-authenticator/blob/v0.6.13/pkg/server/server.go"""

FORBIDDEN, MISSING = 403, 404


class Facts:
    """What is looked up when it is first asked for, once a task.

    ``aws`` is None where AWS is not to be asked, else ``cluster`` is the EKS cluster's name.
    """

    def __init__(self, kubernetes: Kubernetes, aws: Aws | None, context: Context, cluster: str) -> None:
        self._cluster = cluster
        self.kubernetes = kubernetes
        self._aws = aws
        self._context = context

    @functools.cached_property
    def caller(self) -> str:
        """The ARN by which the cluster knows this task, '' where it is known by none (a client certificate, say).

        Who impersonates is asked for, not who is impersonated: that one's entry lets the task in. Raises EksError where
        it cannot be told.
        """
        extra = self._extra()
        for key in ARN_KEYS:
            if extra.get(key):
                return str(extra[key][0])
        if self._aws is None:
            return ""
        try:
            return str(self._aws.call(self._aws.client("sts"), "get_caller_identity")["Arn"])
        except EksError as error:
            raise _untold("takes this task's own access away", error) from error

    def _extra(self) -> dict[str, Any]:
        """The extra attributes of this task's user, their keys in lower case."""
        try:
            user = self._oneself().review(REVIEW).get("status", {}).get("userInfo", {})
        except KubernetesError as error:
            if error.status == MISSING and self._aws is None:
                self._context.warn(
                    f"{self.kubernetes.connection.subject} is older than Kubernetes 1.28 and cannot tell who this task "
                    "is, so whether the change takes this task's own access away was not checked."
                )
            elif error.status not in (FORBIDDEN, MISSING) or self._aws is None:
                raise _untold("takes this task's own access away", error) from error
            return {}
        return {key.lower(): values for key, values in (user.get("extra") or {}).items()}

    def _oneself(self) -> Kubernetes:
        connection = self.kubernetes.connection
        if not (connection.impersonate_user or connection.impersonate_groups):
            return self.kubernetes
        return Kubernetes(replace(connection, impersonate_user="", impersonate_groups=()), self._context)

    @functools.cached_property
    def fargate_roles(self) -> frozenset[str]:
        """The ARNs of the pod execution roles of the cluster's Fargate profiles, as AWS writes them. Raises EksError.

        https://docs.aws.amazon.com/eks/latest/userguide/pod-execution-role.html
        """
        if self._aws is None:
            return frozenset()
        aws, eks = self._aws, self._aws.client("eks")

        def role_of(name: str) -> str:
            profile = aws.call(eks, "describe_fargate_profile", clusterName=self._cluster, fargateProfileName=name)
            return str(profile["fargateProfile"].get("podExecutionRoleArn") or "")

        try:
            names = aws.pages(eks, "list_fargate_profiles", "fargateProfileNames", clusterName=self._cluster)
            return frozenset(gather(self._context, role_of, names)) - {""}
        except EksError as error:
            raise _untold(f"drops the role of a Fargate profile of EKS cluster {self._cluster!r}", error) from error


def _untold(what: str, error: EksError) -> EksError:
    return EksError(
        f"Whether the change {what} cannot be told: {error.message} Or set force: true, once you know that it does "
        "not; nothing was written.",
        **error.details,
    )
