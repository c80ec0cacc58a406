# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The Kubernetes API's refusals, and its silence, in words that say what to do."""

from __future__ import annotations

import json
import ssl
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError
from ansible_collections.ekspress.eks.plugins.module_utils._kubernetes_connection import Connection


class KubernetesError(EksError):
    """A call of the Kubernetes API that failed. ``status`` is HTTP's, 0 without an answer; ``text`` the API's words."""

    def __init__(self, message: str, status: int, reason: str, text: str, action: str) -> None:
        super().__init__(message, error={"code": reason or str(status), "message": text, "action": action})
        self.status = status
        self.reason = reason
        self.text = text


def status_of(body: bytes) -> dict[str, Any]:
    """The Status object of an answer, as far as it is one."""
    try:
        parsed = json.loads(body)
    except ValueError:
        return {"message": body[:500].decode("utf-8", "replace").strip()}
    return parsed if isinstance(parsed, dict) else {}


def explain_answer(connection: Connection, status: int, body: bytes, action: str) -> KubernetesError:
    """The error of an answer that is not a success."""
    answer = status_of(body)
    text = str(answer.get("message") or f"HTTP status {status}").strip()
    reason = str(answer.get("reason") or "")
    return KubernetesError(_worded(connection, status, text, action), status, reason, text, action)


def _worded(connection: Connection, status: int, text: str, action: str) -> str:
    subject = connection.subject
    if status == 401:
        who = _identity(connection)
        return f"{subject} does not know {who}: {action} answered Unauthorized. {connection.access_advice}"
    if status == 403 and "denied the request" not in text:
        return (
            f"{subject} refused {action}: {text}. Give this identity the permission (RBAC, or an access policy of "
            "EKS), or use one that has it."
        )
    if status in (429, 503, 504):
        return f"{subject} is overloaded or starting: {action} answered {status}: {text}. Run again later."
    return f"{subject} refused {action}: {text}"


def _identity(connection: Connection) -> str:
    if connection.identity is None:
        return "the credentials of this task"
    try:
        return connection.identity()
    except EksError as error:
        return f"the AWS identity of this task (whose name cannot be told: {error.message})"


def explain_foreign(connection: Connection, status: int, body: bytes, action: str) -> KubernetesError:
    """The error of a success that is not in the API's language."""
    text = body[:200].decode("utf-8", "replace").strip()
    message = (
        f"What answered {action} at {connection.endpoint} is no Kubernetes API: {text!r}. Check the endpoint, "
        "and whether a proxy or its login page stands between."
    )
    return KubernetesError(message, status, "", text, action)


def cut(error: BaseException) -> bool:
    """Whether a connection was closed within TLS, as by a server that ends, and not refused."""
    return any(isinstance(cause, ssl.SSLEOFError | ssl.SSLZeroReturnError) for cause in error.args)


def explain_silence(connection: Connection, error: BaseException, action: str) -> KubernetesError:
    """The error of a call that got no answer, from urllib3's exception."""
    text = str(error)
    tls = "SSL" in type(error).__name__ and not cut(error)
    if "CERTIFICATE_VERIFY_FAILED" in text or "doesn't match" in text or tls:
        advice = (
            "The certificate is not of the CA that is expected: a proxy may intercept TLS, or the CA or the endpoint "
            "is another cluster's."
        )
    elif "Proxy" in type(error).__name__:
        advice = "Check the proxy (option proxy, or HTTPS_PROXY and NO_PROXY)."
    elif "NameResolution" in type(error).__name__ or "Name or service not known" in text:
        advice = (
            "Its name does not resolve: a private endpoint's does so only within its VPC or over a resolver that "
            "reaches it. Run from there, or set proxy."
        )
    else:
        advice = (
            "Check that the control plane runs and is reachable from here: public access and its list of CIDRs, a VPN "
            "or peering and the security group of a private endpoint, the proxy."
        )
    message = f"{connection.subject} gave no answer at {connection.endpoint} to {action}: {text}. {advice}"
    return KubernetesError(message, 0, "", text, action)
