# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Where a Kubernetes API is and by what it knows us: from an EKS cluster's name, options, or a kubeconfig."""

from __future__ import annotations

import base64
import contextlib
import os
import ssl
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ansible.module_utils.common.yaml import yaml_load
from ansible_collections.ekspress.eks.plugins.module_utils._aws import Aws
from ansible_collections.ekspress.eks.plugins.module_utils._cluster import Cluster, describe, require_active
from ansible_collections.ekspress.eks.plugins.module_utils._context import Context
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError
from ansible_collections.ekspress.eks.plugins.module_utils._token import EksToken

DIRECT_OPTIONS = ("kubeconfig", "context", "host", "api_key", "ca_cert", "client_cert", "client_key")
"""Options that say which API, so that they cannot count beside an EKS cluster's name."""


@dataclass(frozen=True)
class Connection:
    """A Kubernetes API and the credentials for it; secrets are not shown by repr()."""

    endpoint: str
    subject: str
    """What messages call it: EKS cluster 'blue', or the API at https://…"""
    ca_certificate: str = ""
    """PEM text; '' for the system's authorities."""
    verify: bool = True
    tls_server_name: str = ""
    token: Callable[[bool], str] | None = field(default=None, repr=False)
    """Gives the bearer token; its argument asks for a new one."""
    client_certificate: str = field(default="", repr=False)
    """PEM text of certificate and key."""
    client_key: str = field(default="", repr=False)
    proxy: str = field(default="", repr=False)
    impersonate_user: str = ""
    impersonate_groups: tuple[str, ...] = ()
    access_advice: str = "Check the credentials of the kubeconfig or the option api_key."
    """What to check where the API does not know the identity."""
    identity: Callable[[], str] | None = field(default=None, repr=False)
    """Tells who we are, for messages."""

    def headers(self, renew: bool = False) -> list[tuple[str, str]]:
        """The headers that identify us."""
        made = []
        if self.token is not None:
            made.append(("Authorization", f"Bearer {self.token(renew)}"))
        if self.impersonate_user:
            made.append(("Impersonate-User", self.impersonate_user))
        made += [("Impersonate-Group", group) for group in self.impersonate_groups]
        return made

    def tls_context(self) -> ssl.SSLContext:
        """The TLS side of the connection; certificates stay in memory. Raises EksError on unusable certificates."""
        try:
            made = ssl.create_default_context(cadata=self.ca_certificate or None)
            # Python 3.13 asks for an extension that the authorities of older Kubernetes clusters do not have.
            made.verify_flags &= ~getattr(ssl, "VERIFY_X509_STRICT", 0)
            if not self.verify:
                made.check_hostname = False
                made.verify_mode = ssl.CERT_NONE
            if self.client_certificate:
                with memory_file(f"{self.client_certificate}\n{self.client_key}\n") as path:
                    made.load_cert_chain(path)
        except (ssl.SSLError, ValueError) as error:
            raise EksError(
                f"The certificates for {self.subject} cannot be used: {error}. "
                "The CA, the client certificate and its key must be PEM, and the key must belong to the certificate."
            ) from error
        return made

    def kubeconfig(self) -> dict[str, Any]:
        """A kubeconfig of this connection for another program. It holds no token; a client key only if there is one."""
        cluster: dict[str, Any] = {"server": self.endpoint}
        if not self.verify:
            cluster["insecure-skip-tls-verify"] = True
        elif self.ca_certificate:
            cluster["certificate-authority-data"] = _encoded(self.ca_certificate)
        if self.tls_server_name:
            cluster["tls-server-name"] = self.tls_server_name
        if self.proxy:
            cluster["proxy-url"] = self.proxy
        user: dict[str, Any] = {}
        if self.client_certificate:
            user["client-certificate-data"] = _encoded(self.client_certificate)
            user["client-key-data"] = _encoded(self.client_key)
        if self.impersonate_user:
            user["as"] = self.impersonate_user
        if self.impersonate_groups:
            user["as-groups"] = list(self.impersonate_groups)
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "cluster", "cluster": cluster}],
            "users": [{"name": "user", "user": user}],
            "contexts": [{"name": "context", "context": {"cluster": "cluster", "user": "user"}}],
            "current-context": "context",
        }


@contextlib.contextmanager
def memory_file(content: str) -> Iterator[str]:
    """The path of a file with secret content that never reaches a disk; it is gone when the block ends.

    A child process reads it under the same path if it inherits the descriptor (``pass_fds``).
    """
    if not hasattr(os, "memfd_create"):
        raise EksError("Client keys need a controller that runs Linux, where they can be kept off the disk.")
    handle = os.memfd_create("ekspress", os.MFD_CLOEXEC)
    try:
        os.fchmod(handle, 0o600)
        with os.fdopen(handle, "wb", closefd=False) as stream:
            stream.write(content.encode())
        yield f"/proc/self/fd/{handle}"
    finally:
        os.close(handle)


def resolve(params: dict[str, Any], aws: Aws | None, context: Context, cluster: Cluster | None) -> Connection:
    """The connection that a module's parameters ask for. Raises EksError, naming the option that is wrong."""
    if cluster is None and params.get("cluster"):
        if aws is None:
            raise EksError("An AWS session is needed to reach an EKS cluster by its name.")
        cluster = describe(aws, params["cluster"])
    if cluster is not None and aws is not None:
        ignored = [name for name in DIRECT_OPTIONS if params.get(name)]
        if ignored:
            context.warn(
                f"{', '.join(ignored)} (options or K8S_AUTH_ variables) do not count beside cluster: "
                f"{cluster.name}, whose endpoint and credentials come from AWS."
            )
        made = _of_cluster(cluster, aws)
    elif params.get("host"):
        made = _of_options(params)
    elif params.get("kubeconfig"):
        made = _of_kubeconfig(params["kubeconfig"], params.get("context"))
    else:
        raise EksError("No Kubernetes API is named: set cluster to an EKS cluster's name, or kubeconfig, or host.")
    _check_endpoint(made.endpoint)
    return replace(
        made,
        verify=bool(params.get("validate_certs", True)) and made.verify,
        proxy=params.get("proxy") or made.proxy or _environment_proxy(made.endpoint),
        impersonate_user=params.get("impersonate_user") or made.impersonate_user,
        impersonate_groups=tuple(params.get("impersonate_groups") or made.impersonate_groups),
    )


def _check_endpoint(endpoint: str) -> None:
    try:
        parts = urlsplit(endpoint)
        usable = parts.scheme in ("https", "http") and parts.hostname and parts.port != 0
    except ValueError:  # a port or an IPv6 address that is none
        usable = False
    if not usable:
        raise EksError(f"{endpoint!r} is not the URL of a Kubernetes API: give https://HOST[:PORT].")


def _of_cluster(cluster: Cluster, aws: Aws) -> Connection:
    require_active(cluster)
    where = {
        "API": "an access entry of the cluster",
        "CONFIG_MAP": "the ConfigMap aws-auth in kube-system",
        "API_AND_CONFIG_MAP": "an access entry of the cluster or the ConfigMap aws-auth in kube-system",
    }.get(cluster.authentication_mode, "an access entry or the ConfigMap aws-auth")
    network = cluster.described.get("resourcesVpcConfig", {})
    return Connection(
        endpoint=cluster.endpoint,
        subject=f"EKS cluster {cluster.name!r}{_reach(network)}",
        ca_certificate=cluster.ca_certificate,
        token=EksToken(aws, cluster.name),
        access_advice=f"It needs {where} (authentication mode {cluster.authentication_mode}).",
        identity=lambda: str(aws.call(aws.client("sts"), "get_caller_identity")["Arn"]),
    )


def _reach(network: dict[str, Any]) -> str:
    if network.get("endpointPublicAccess") is False:
        return " (private endpoint only)"
    allowed = network.get("publicAccessCidrs") or []
    if allowed and "0.0.0.0/0" not in allowed:
        return f" (public endpoint open to {', '.join(allowed)} only)"
    return ""


def _of_options(params: dict[str, Any]) -> Connection:
    return Connection(
        endpoint=params["host"].rstrip("/"),
        subject=f"the API at {params['host']}",
        ca_certificate=_read(params.get("ca_cert"), "ca_cert"),
        token=_unchanging(params.get("api_key"), "the option api_key"),
        client_certificate=_read(params.get("client_cert"), "client_cert"),
        client_key=_read(params.get("client_key"), "client_key") if params.get("client_cert") else "",
    )


def _of_kubeconfig(source: Any, context_name: str | None) -> Connection:
    config, base = _load(source)
    name = context_name or config.get("current-context") or ""
    entry = _entry(config, "contexts", "context", name)
    cluster = _entry(config, "clusters", "cluster", entry.get("cluster", ""))
    user = _entry(config, "users", "user", entry.get("user", "")) if entry.get("user") else {}
    if user.get("auth-provider"):
        raise EksError(f"The kubeconfig's context {name!r} uses an auth-provider, which Kubernetes gave up; use exec.")
    made = Connection(
        endpoint=str(cluster.get("server", "")).rstrip("/"),
        subject=f"the kubeconfig's context {name!r}",
        ca_certificate=_part(cluster, "certificate-authority", base),
        verify=not cluster.get("insecure-skip-tls-verify", False),
        tls_server_name=cluster.get("tls-server-name", ""),
        proxy=cluster.get("proxy-url", ""),
        client_certificate=_part(user, "client-certificate", base),
        client_key=_part(user, "client-key", base),
        impersonate_user=user.get("as", ""),
        impersonate_groups=tuple(user.get("as-groups", [])),
    )
    if user.get("exec"):
        return _of_exec(made, user["exec"], base)
    token = user.get("token") or _read(_beside(user.get("tokenFile"), base), "tokenFile")
    return replace(made, token=_unchanging(token, "the kubeconfig's token"))


def _unchanging(token: Any, what: str) -> Callable[[bool], str] | None:
    """Gives a token that cannot be renewed; None where there is none."""
    text = str(token or "").strip()
    if not (text.isascii() and text.isprintable()):
        raise EksError(f"{what} is not a bearer token: it holds characters that no HTTP header may hold.")
    return (lambda _renew: text) if text else None


def _of_exec(made: Connection, settings: dict[str, Any], base: Path) -> Connection:
    # Costs up to a second to import, so only where a kubeconfig names a program.
    from kubernetes.config.config_exception import ConfigException  # noqa: PLC0415
    from kubernetes.config.exec_provider import ExecProvider  # noqa: PLC0415
    from kubernetes.config.kube_config import ConfigNode  # noqa: PLC0415

    def run() -> Any:
        try:
            return ExecProvider(ConfigNode("exec", dict(settings)), str(base)).run()
        except (ConfigException, OSError, ValueError) as error:
            raise EksError(
                f"{made.subject}: the program {settings.get('command')!r} gave no credentials: {error}"
            ) from error

    status = run()
    current = [status.get("token")]

    def token(renew: bool) -> str:
        if renew:
            current[0] = run().get("token")
        return str(current[0])

    return replace(
        made,
        token=token if current[0] else None,
        client_certificate=status.get("clientCertificateData", made.client_certificate),
        client_key=status.get("clientKeyData", made.client_key),
    )


def _load(source: Any) -> tuple[dict[str, Any], Path]:
    if isinstance(source, dict):
        return source, Path.cwd()
    path = Path(os.path.expandvars(str(source))).expanduser()
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise EksError(f"The kubeconfig {path} cannot be read: {error}") from error
    try:
        config = yaml_load(text)
    except Exception as error:  # whatever the YAML library raises; its words may quote the file's secrets
        raise EksError(f"The kubeconfig {path} is not YAML. Check it with: kubectl config view") from error
    if not isinstance(config, dict):
        raise EksError(f"{path} is not a kubeconfig: it holds no mapping.")
    return config, path.parent


def _entry(config: dict[str, Any], section: str, key: str, name: str) -> dict[str, Any]:
    try:
        entries = {item["name"]: dict(item.get(key) or {}) for item in config.get(section) or []}
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise EksError(f"The kubeconfig's {section} is not a list of entries with a name and a {key}.") from error
    if name not in entries:
        there = ", ".join(sorted(str(known) for known in entries)) or "none"
        raise EksError(
            f"The kubeconfig has no {key} {name!r}; it has: {there}. Set the option context to one of its contexts."
        )
    return entries[name]


def _part(entry: dict[str, Any], key: str, base: Path) -> str:
    if entry.get(f"{key}-data"):
        try:
            return base64.b64decode(entry[f"{key}-data"]).decode()
        except ValueError as error:
            raise EksError(f"The kubeconfig's {key}-data is not base64 of PEM text.") from error
    return _read(_beside(entry.get(key), base), key)


def _beside(path: str | None, base: Path) -> str | None:
    return str(base / path) if path else None


def _read(path: str | None, option: str) -> str:
    if not path:
        return ""
    try:
        return Path(path).expanduser().read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise EksError(f"{option}: {path} cannot be read: {error}") from error


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _environment_proxy(endpoint: str) -> str:
    parts = urlsplit(endpoint)
    if not parts.hostname or urllib.request.proxy_bypass(parts.hostname):
        return ""
    return urllib.request.getproxies().get(parts.scheme, "")
