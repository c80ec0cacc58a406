# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""AWS sessions and clients of one task: fresh credentials on shared service models, guarded and explained."""

from __future__ import annotations

import functools
import random
import re
import threading
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ansible_collections.ekspress.eks.plugins.module_utils._arn import parse_iam
from ansible_collections.ekspress.eks.plugins.module_utils._aws_errors import THROTTLED, explain, explain_assume_role
from ansible_collections.ekspress.eks.plugins.module_utils._context import Context
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError, MissingLibraryError

try:
    import botocore.config
    import botocore.configprovider
    import botocore.credentials
    import botocore.exceptions
    import botocore.loaders
    import botocore.session
except ImportError:
    BOTOCORE_TRACEBACK: str | None = traceback.format_exc()
else:
    BOTOCORE_TRACEBACK = None

if TYPE_CHECKING:
    from botocore.client import BaseClient

READS = re.compile(r"^(Describe|Get|List|Simulate|Head|Lookup|BatchGet|AssumeRole|Search|Test|Validate)")
"""Operations that change nothing in AWS, by the verb that AWS's API names start with."""

CONCURRENT_MODIFICATION = frozenset({"ConcurrentModification", "ConcurrentModificationException"})
"""What IAM and EventBridge answer when two writes meet; botocore does not retry it by itself.
https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateAssumeRolePolicy.html
https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html"""
CONCURRENT_MODIFICATION_ATTEMPTS = 6
REPLACE_WHOLE = frozenset({"UpdateAssumeRolePolicy"})
"""Operations that would undo the write which they met if they were just made again: their callers merge anew."""

CONNECT_TIMEOUT = 10
READ_TIMEOUT = 60
LONGEST_BACKOFF = 20.0
"""Seconds; the last as in botocore's standard mode."""


@functools.lru_cache(maxsize=1)
def _service_models() -> Any:
    """botocore's loader of service models: read-only data without an owner, so that all sessions share it."""
    return botocore.loaders.Loader()


def warm(services: tuple[str, ...]) -> None:
    """Load the service models once, in the process that forks the workers.

    The session knows botocore's defaults only (no variable or configuration file is read) and dummy keys; it is
    thrown away.
    """
    if BOTOCORE_TRACEBACK is not None:
        return
    constants = {
        name: botocore.configprovider.ConstantProvider(None if name.endswith("_file") else default)
        for name, (_file, _variable, default, _type) in botocore.session.Session.SESSION_VARIABLES.items()
    }
    session = botocore.session.Session()
    session.register_component("config_store", botocore.configprovider.ConfigValueStore(constants))
    session.register_component("data_loader", _service_models())
    session.set_credentials("warm", "warm")
    for service in services:
        session.create_client(service, region_name="us-east-1", endpoint_url="http://127.0.0.1:9")


def _new_session(profile: str | None) -> Any:
    session = botocore.session.Session(profile=profile)
    if not session.get_config_variable("data_path"):
        session.register_component("data_loader", _service_models())
    return session


EC2_FILTER_VALUES = 200
"""Values of one filter of EC2 at most. https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Filtering.html"""


class Aws:
    """The AWS session of one task, made from its parameters; clients are made when first asked for.

    Every call is counted against the task's end and check mode; throttling is retried with jitter by botocore's
    standard mode (by us where that gives up too early), writes that met another one (ConcurrentModification) by us.
    """

    def __init__(self, params: dict[str, Any], context: Context) -> None:
        if BOTOCORE_TRACEBACK is not None:
            raise MissingLibraryError(
                "The Python libraries boto3 and botocore are needed to call AWS; "
                "install them for the Python that runs Ansible: pip install boto3",
                BOTOCORE_TRACEBACK,
            )
        self._params = params
        self._context = context
        self._clients: dict[tuple[str, str, bool], BaseClient] = {}
        self._making = threading.Lock()

    @functools.cached_property
    def region(self) -> str:
        """The region of the task: its option, AWS_REGION, AWS_DEFAULT_REGION, or the profile's."""
        region = self._params.get("region") or self._session.get_config_variable("region")
        if not region:
            raise EksError(
                "No AWS region is known: set the option region, the variable AWS_REGION, "
                "or a region in the AWS profile."
            )
        return str(region)

    @functools.cached_property
    def partition(self) -> str:
        """The partition of the region: aws, aws-cn, aws-us-gov, …"""
        session, region = self._session, self.region
        try:
            return str(session.get_partition_for_region(region))
        except botocore.exceptions.UnknownRegionError as error:
            raise EksError(
                f"{region!r} is not a region that botocore {botocore.__version__} knows; correct the region (such as "
                "eu-central-1), or upgrade boto3 if the region is new."
            ) from error

    def dns_suffix(self, partition: str) -> str:
        """The domain of AWS's endpoints in a partition, as botocore has it: amazonaws.com, amazonaws.com.cn, …"""
        known = self._session.get_component("data_loader").load_data_with_path("endpoints")[0]["partitions"]
        return str(next(item["dnsSuffix"] for item in known if item["partition"] == partition))

    @functools.cached_property
    def account(self) -> str:
        """The account of the credentials (one call of sts:GetCallerIdentity, when first asked for)."""
        return str(self.call(self.client("sts"), "get_caller_identity")["Account"])

    @functools.cached_property
    def _session(self) -> Any:
        profile = self._params.get("profile") or None
        keys = [self._params.get(name) or None for name in ("access_key", "secret_key", "session_token")]
        if profile and any(keys):
            raise EksError(
                "Both an AWS profile and access keys are given (as options or in the environment); "
                "leave one of them out."
            )
        if bool(keys[0]) != bool(keys[1]):
            raise EksError("access_key and secret_key belong together; one of them is missing.")
        try:
            session = _new_session(profile)
            if keys[0]:
                session.set_credentials(*keys)
            if self._params.get("assume_role_arn"):
                parse_iam(self._params["assume_role_arn"], "role", "assume_role_arn")
                session._credentials = self._assumed(session)
        except botocore.exceptions.BotoCoreError as error:
            raise explain(error, "opening an AWS session") from error
        return session

    def _assumed(self, session: Any) -> Any:
        source = session.get_credentials()
        if source is None:
            raise explain(botocore.exceptions.NoCredentialsError(), "sts:AssumeRole")
        extra = {"RoleSessionName": "ekspress.eks"}
        if self._params.get("assume_role_external_id"):
            extra["ExternalId"] = self._params["assume_role_external_id"]
        region = self._params.get("region") or session.get_config_variable("region")

        def create_client(service: str, **arguments: Any) -> Any:
            arguments.setdefault("region_name", region)
            return self._prepared(session.create_client(service, **{**self._client_arguments(), **arguments}))

        fetcher = botocore.credentials.AssumeRoleCredentialFetcher(
            client_creator=create_client,
            source_credentials=source,
            role_arn=self._params["assume_role_arn"],
            extra_args=extra,
        )
        refusals: list[EksError] = []

        def fetch() -> dict[str, Any]:
            # Every call of the task asks for credentials: a refused role is asked for once, and named as the cause.
            if refusals:
                raise refusals[0]
            try:
                return dict(fetcher.fetch_credentials())
            except (botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError) as error:
                refusals.append(explain_assume_role(error, self._params["assume_role_arn"]))
                raise refusals[0] from error

        return botocore.credentials.DeferredRefreshableCredentials(refresh_using=fetch, method="assume-role")

    def client(self, service: str, region: str | None = None, *, public: bool = False) -> BaseClient:
        """The client of a service, made once a task. ``region`` is the task's where not given.

        ``public`` is for what is signed and not called: at AWS's own endpoint, whatever endpoint_url, AWS_ENDPOINT_URL
        and the profile say.
        """
        with self._making:  # botocore makes one client at a time; all may be used side by side
            key = (service, region or self.region, public)
            if key not in self._clients:
                arguments = self._client_arguments()
                if public:
                    own = _given_config({"ignore_configured_endpoint_urls": True})
                    arguments |= {"config": arguments["config"].merge(own), "endpoint_url": None}
                try:
                    client = self._session.create_client(service, region_name=key[1], **arguments)
                except (botocore.exceptions.BotoCoreError, ValueError) as error:
                    raise explain(error, f"making a client for {service}") from error
                self._clients[key] = self._prepared(client)
            return self._clients[key]

    def _client_arguments(self) -> dict[str, Any]:
        config = botocore.config.Config(
            retries={"mode": "standard", "max_attempts": 8},
            connect_timeout=CONNECT_TIMEOUT,
            read_timeout=READ_TIMEOUT,
            max_pool_connections=32,
            user_agent_extra="ekspress.eks",
        )
        if self._params.get("aws_config"):
            config = config.merge(_given_config(self._params["aws_config"]))
        verify: bool | str = self._params.get("validate_certs", True)
        if verify and self._params.get("aws_ca_bundle"):
            verify = self._params["aws_ca_bundle"]
        endpoint = self._params.get("endpoint_url") or None
        if endpoint and not _is_url(endpoint):
            raise EksError(
                f"endpoint_url {endpoint!r} is not a URL such as https://host:port; correct it or leave it out."
            )
        return {"config": config, "verify": verify, "endpoint_url": endpoint}

    def _prepared(self, client: BaseClient) -> BaseClient:
        client.meta.events.register("before-call", self._guard)
        client.meta.events.register("before-send", self._guard_attempt)
        # botocore's type stubs know neither the retries of a configuration nor the seconds that a handler may return.
        config: Any = client.meta.config
        most = (config.retries or {}).get("total_max_attempts", 1)

        def retry(response: Any, attempts: int, operation: Any, **_unused: Any) -> Any:
            return _retry_delay(response, attempts, operation, most)

        client.meta.events.register("needs-retry", retry)
        return client

    def _guard(self, model: Any, **_unused: Any) -> None:
        action = f"{model.service_model.service_name}:{model.name}"
        self._context.actions.append(action)
        self._context.before_call(action, write=READS.match(model.name) is None)

    def _guard_attempt(self, request: Any, **_unused: Any) -> None:
        self._context.before_call(f"A retry of {request.url.split('?')[0]}", write=False)

    def call(self, client: BaseClient, operation: str, **arguments: Any) -> dict[str, Any]:
        """Call one operation (its Python name); AWS's refusals become EksError except those the caller asked for.

        Raises EksError; the original botocore error is its ``__cause__``.
        """
        action = self._action(client, operation)
        try:
            return dict(getattr(client, operation)(**arguments))
        except (botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError) as error:
            raise explain(error, action) from error

    def pages(self, client: BaseClient, operation: str, key: str, **arguments: Any) -> list[Any]:
        """All items under ``key`` of every page of a listing operation."""
        action = self._action(client, operation)
        try:
            pages = client.get_paginator(operation).paginate(**arguments)
            return [item for page in pages for item in page.get(key, [])]
        except (botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError) as error:
            raise explain(error, action) from error

    @staticmethod
    def _action(client: BaseClient, operation: str) -> str:
        return f"{client.meta.service_model.service_name}:{client.meta.method_to_api_mapping[operation]}"


def _given_config(given: dict[str, Any]) -> Any:
    try:
        return botocore.config.Config(**given)
    except (TypeError, AttributeError, ValueError, botocore.exceptions.BotoCoreError) as error:
        raise EksError(
            f"aws_config is not a configuration that botocore takes: {error}. Its keys and values are those of "
            "https://botocore.amazonaws.com/v1/documentation/api/latest/reference/config.html"
        ) from error


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def error_code(error: BaseException) -> str:
    """The AWS error code behind an error of Aws.call ('' where there is none), such as NoSuchEntity."""
    cause = error.__cause__ or error
    response = getattr(cause, "response", None)
    return str(response.get("Error", {}).get("Code", "")) if isinstance(response, dict) else ""


def unless_missing(function: Callable[[], dict[str, Any]], *codes: str) -> dict[str, Any] | None:
    """The result of a call, or None where AWS answers that the thing does not exist (one of ``codes``)."""
    try:
        return function()
    except EksError as error:
        if error_code(error) in codes:
            return None
        raise


def _retry_delay(response: Any, attempts: int, operation: Any, most: int) -> float | None:
    """Seconds to wait before the next attempt, where botocore's standard mode would give up too early.

    Its retry quota (500 for a client, of which every retry takes five, and a call that succeeds gives those of its last
    one back) is for all calls of the task: when a few dozen of them are throttled some times each, the rest would fail.
    https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
    """
    code = response[1].get("Error", {}).get("Code", "") if response else ""
    if code in CONCURRENT_MODIFICATION and operation.name not in REPLACE_WHOLE:
        return _backoff(attempts, 0.2) if attempts < CONCURRENT_MODIFICATION_ATTEMPTS else None
    if code in THROTTLED and attempts < most:
        return _backoff(attempts, 1.0)
    return None


def _backoff(attempts: int, first: float) -> float:
    return min(LONGEST_BACKOFF, random.uniform(0.25, 1.0) * first * 2 ** (attempts - 1))
