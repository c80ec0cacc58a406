# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A thin client of the Kubernetes API: paged lists, watches, server-side apply; guarded, retried, explained.

Importing the kubernetes package costs up to a second a process, this nothing.
"""

from __future__ import annotations

import json
import random
import time
import traceback
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote, urlencode

from ansible_collections.ekspress.eks.plugins.module_utils._aws import Aws
from ansible_collections.ekspress.eks.plugins.module_utils._cluster import Cluster
from ansible_collections.ekspress.eks.plugins.module_utils._context import Context
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError, MissingLibraryError
from ansible_collections.ekspress.eks.plugins.module_utils._kubernetes_connection import Connection, resolve
from ansible_collections.ekspress.eks.plugins.module_utils._kubernetes_errors import (
    KubernetesError,
    cut,
    explain_answer,
    explain_foreign,
    explain_silence,
)
from ansible_collections.ekspress.eks.plugins.module_utils._kubernetes_paths import Paths, root

try:
    import urllib3
    import urllib3.exceptions
except ImportError:
    URLLIB3_TRACEBACK: str | None = traceback.format_exc()
else:
    URLLIB3_TRACEBACK = None

MANAGER = "ekspress.eks"
"""The field manager of server-side apply: https://kubernetes.io/docs/reference/using-api/server-side-apply/"""

PAGE = 500
"""Objects a page of a list, as kubectl has it."""

CONNECT_TIMEOUT = 10.0
READ_TIMEOUT = 65.0
"""Seconds. Above the 60 s after which the API server gives up a request, so that its own words are seen."""

FIRST_PATIENCE = 3.0
PATIENCE = 60.0
"""Seconds for which a call that gets no answer is repeated: before the first answer ever, and after one, when the API
server was there and may only be restarting."""

BUSY = frozenset({429, 502, 503, 504})
"""Answers before which nothing was done, or after which an idempotent call may be repeated."""

NO_STORE = b"etcdserver: "
"""In an answer of status 500 while the API server's etcd restarts or chooses a leader."""

GONE = 410
"""The version that was asked for is too old."""

JSON = "application/json"
APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"


def connect(params: dict[str, Any], aws: Aws | None, context: Context, cluster: Cluster | None = None) -> Kubernetes:
    """The client that a module's parameters ask for.

    ``cluster`` is the cluster's description where the module has read it; else the parameter ``cluster`` names one, or
    the options of kubernetes_options() say which API. No call is made but eks:DescribeCluster. Raises EksError.
    """
    return Kubernetes(resolve(params, aws, context, cluster), context)


class Kubernetes:
    """The API of one cluster; may be shared between threads."""

    def __init__(self, connection: Connection, context: Context) -> None:
        if URLLIB3_TRACEBACK is not None:
            raise MissingLibraryError(
                "The Python library urllib3 is needed to call Kubernetes; it comes with boto3: pip install boto3",
                URLLIB3_TRACEBACK,
            )
        self.connection = connection
        self.paths = Paths(self.find)
        self._context = context
        self._answered = False
        options: dict[str, Any] = {"maxsize": 32, "retries": False}
        if connection.endpoint.startswith("https:"):
            options["ssl_context"] = connection.tls_context()
            if connection.tls_server_name:
                options["server_hostname"] = connection.tls_server_name
                options["assert_hostname"] = connection.tls_server_name
            elif not connection.verify:
                options["assert_hostname"] = False
        self._pool: Any = _pool(connection.proxy, options)

    def get(self, path: str, **query: Any) -> dict[str, Any]:
        """The object at a path. Raises KubernetesError, with status 404 where there is none."""
        return self.request("GET", path, query=query)

    def find(self, path: str) -> dict[str, Any] | None:
        """The object at a path, or None."""
        try:
            return self.request("GET", path)
        except KubernetesError as error:
            if error.status == 404:
                return None
            raise

    def list(self, path: str, label_selector: str = "", field_selector: str = "") -> list[dict[str, Any]]:
        """All objects of a collection, page by page; begun again where the list changed too much while it was read."""
        query = _selectors(label_selector, field_selector)
        items: list[dict[str, Any]] = []
        token = ""
        while True:
            try:
                page = self.get(path, **query, limit=PAGE, **({"continue": token} if token else {}))
            except KubernetesError as error:
                if error.status != GONE or not token:
                    raise
                items, token = [], ""
                continue
            items += page.get("items") or []
            token = page.get("metadata", {}).get("continue") or ""
            if not token:
                return items

    def watch(
        self, path: str, seconds: float, label_selector: str = "", field_selector: str = "", resource_version: str = ""
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        """Changes of a collection as (ADDED, MODIFIED or DELETED, object) for at most ``seconds``.

        Without ``resource_version`` it starts with an ADDED for each object there is. Ends early, without an error,
        where the connection is lost or the version is too old: read again then.
        """
        query: dict[str, Any] = {
            **_selectors(label_selector, field_selector),
            "watch": "true",
            "timeoutSeconds": max(1, round(seconds)),
        }
        if resource_version:
            query["resourceVersion"] = resource_version
        action = f"WATCH {path}"
        try:
            response = self._exchange("GET", path, query, None, JSON, action=action, idempotent=True, stream=True)
        except KubernetesError as error:
            if error.status == GONE:
                return
            raise
        try:
            for line in response:
                if self._context.cancelled.is_set():
                    return
                if line.strip():
                    event = json.loads(line)
                    if event["type"] == "ERROR":
                        return
                    yield event["type"], event["object"]
        except (urllib3.exceptions.HTTPError, ValueError):
            return
        finally:
            response.close()

    def apply(self, item: dict[str, Any], *, dry_run: bool = False, force: bool = True) -> dict[str, Any]:
        """Apply an object server-side as field manager ekspress.eks; ``force`` takes over fields that others hold."""
        meta = item["metadata"]
        path = self.paths.object(item["apiVersion"], item["kind"], meta["name"], meta.get("namespace"))
        query = {"fieldManager": MANAGER, "force": "true" if force else "false"}
        return self.request("PATCH", path, query=query, body=item, content_type=APPLY, dry_run=dry_run)

    def create(self, item: dict[str, Any], *, dry_run: bool = False) -> dict[str, Any]:
        """Create an object. Repeated only where it is certain that the first try did nothing."""
        path = self.paths.collection(item["apiVersion"], item["kind"], item["metadata"].get("namespace"))
        return self.request("POST", path, query={"fieldManager": MANAGER}, body=item, dry_run=dry_run)

    def review(self, item: dict[str, Any]) -> dict[str, Any]:
        """The API's answer to a virtual object such as a SelfSubjectReview: posted, kept nowhere, so never a write."""
        path = f"{root(item['apiVersion'])}/{item['kind'].lower()}s"
        return self.request("POST", path, body=item, virtual=True)

    def replace(self, path: str, item: dict[str, Any], *, dry_run: bool = False) -> dict[str, Any]:
        """Replace an object; with its metadata.resourceVersion, only if nobody changed it since (else status 409)."""
        return self.request("PUT", path, query={"fieldManager": MANAGER}, body=item, dry_run=dry_run)

    def patch(self, path: str, body: Any, *, content_type: str = MERGE, dry_run: bool = False) -> dict[str, Any]:
        """Patch an object; a merge patch unless ``content_type`` says otherwise."""
        query = {"fieldManager": MANAGER}
        return self.request("PATCH", path, query=query, body=body, content_type=content_type, dry_run=dry_run)

    def delete(
        self, path: str, *, uid: str = "", version: str = "", propagation: str = "Background", dry_run: bool = False
    ) -> bool:
        """Delete an object (only with this ``uid`` and resourceVersion, if given); False where there is none."""
        body: dict[str, Any] = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": propagation}
        conditions = {key: value for key, value in (("uid", uid), ("resourceVersion", version)) if value}
        if conditions:
            body["preconditions"] = conditions
        if dry_run:
            # Where there is a body, the API server does not read the query's options.
            body["dryRun"] = ["All"]
        try:
            self.request("DELETE", path, body=body, dry_run=dry_run)
        except KubernetesError as error:
            if error.status == 404:
                return False
            raise
        return True

    def request(
        self,
        method: str,
        path: str,
        *,
        query: dict[str, Any] | None = None,
        body: Any = None,
        content_type: str = JSON,
        dry_run: bool = False,
        virtual: bool = False,
    ) -> dict[str, Any]:
        """One call. Anything but GET is a write.

        Except a dry run, which goes through the API's admission only, and the POST of a virtual object, kept nowhere.
        """
        action = f"{method} {path}{' (dry run)' if dry_run else ''}"
        query = {**(query or {}), **({"dryRun": "All"} if dry_run else {})}
        harmless = dry_run or virtual
        self._context.before_call(f"Kubernetes {action}", write=method != "GET" and not harmless)
        idempotent = method != "POST" or harmless
        response = self._exchange(
            method, path, query, body, content_type, action=action, idempotent=idempotent, stream=False
        )
        try:
            return dict(json.loads(response.data))
        except ValueError as error:
            raise explain_foreign(self.connection, response.status, response.data, action) from error

    def _exchange(
        self,
        method: str,
        path: str,
        query: dict[str, Any],
        body: Any,
        content_type: str,
        *,
        action: str,
        idempotent: bool,
        stream: bool,
    ) -> Any:
        url = f"{self.connection.endpoint}{path}{'?' if query else ''}{urlencode(query)}"
        data = None if body is None else json.dumps(body)
        started = time.monotonic()
        attempt, renewed = 0, False
        self._context.actions.append(f"kubernetes:{method} {path}")
        while True:
            self._context.before_call(f"Kubernetes {action}", write=False)
            headers = urllib3.HTTPHeaderDict({"Accept": JSON, "User-Agent": MANAGER})
            for name, value in self.connection.headers(renewed):
                headers.add(name, value)
            if data is not None:
                headers["Content-Type"] = content_type
            try:
                response = self._pool.request(
                    method,
                    url,
                    body=data,
                    headers=headers,
                    redirect=False,
                    preload_content=not stream,
                    timeout=urllib3.Timeout(connect=CONNECT_TIMEOUT, read=READ_TIMEOUT),
                )
            except urllib3.exceptions.HTTPError as error:
                attempt += 1
                if not self._worth_repeating(error, idempotent, started, attempt):
                    raise explain_silence(self.connection, error, action) from error
                continue
            self._answered = True
            if response.status < 300:
                return response
            content = response.data
            if response.status == 401 and self.connection.token is not None and not renewed:
                renewed = True
                continue
            attempt += 1
            if not self._wait_for_busy(response, idempotent, started, attempt):
                raise explain_answer(self.connection, response.status, content, action)

    def _worth_repeating(self, error: BaseException, idempotent: bool, started: float, attempt: int) -> bool:
        never_sent = isinstance(error, urllib3.exceptions.NewConnectionError | urllib3.exceptions.ConnectTimeoutError)
        lost = isinstance(error, urllib3.exceptions.ProtocolError | urllib3.exceptions.ReadTimeoutError) or cut(error)
        if not (never_sent or lost) or not (idempotent or never_sent):
            return False
        return self._pause(started, attempt, 0.0)

    def _wait_for_busy(self, response: Any, idempotent: bool, started: float, attempt: int) -> bool:
        restarting = response.status == 500 and NO_STORE in response.data
        if not (restarting or response.status in BUSY) or not (idempotent or response.status == 429):
            return False
        after = response.headers.get("Retry-After", "")
        return self._pause(started, attempt, float(after) if after.isdigit() else 0.0)

    def _pause(self, started: float, attempt: int, at_least: float) -> bool:
        """Wait a while that grows with the attempts; False where patience or the task has ended."""
        delay = max(at_least, random.uniform(0.5, 1.0) * min(5.0, 0.2 * 2**attempt))
        patience = PATIENCE if self._answered else FIRST_PATIENCE
        if time.monotonic() - started + delay > patience:
            return False
        self._context.cancelled.wait(delay)
        return True


def _pool(proxy: str, options: dict[str, Any]) -> Any:
    """Connections, over a proxy where one is given. Raises EksError, which does not show the proxy's password."""
    if not proxy:
        return urllib3.PoolManager(**options)
    try:
        url = urllib3.util.parse_url(proxy)
        if url.auth:
            # urllib3 itself sends none of it.
            options = {**options, "proxy_headers": urllib3.make_headers(proxy_basic_auth=unquote(url.auth))}
        return urllib3.ProxyManager(proxy, **options)
    except (urllib3.exceptions.LocationValueError, urllib3.exceptions.ProxySchemeUnknown) as error:
        raise EksError(
            "The proxy cannot be used: give http://[USER:PASSWORD@]HOST:PORT or https://… (option proxy, the "
            "kubeconfig's proxy-url, or HTTPS_PROXY). Other schemes, such as socks5, are not supported."
        ) from error


def _selectors(label_selector: str, field_selector: str) -> dict[str, str]:
    made = {"labelSelector": label_selector, "fieldSelector": field_selector}
    return {key: value for key, value in made.items() if value}
