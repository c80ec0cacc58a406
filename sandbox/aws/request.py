# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an HTTP request asks of AWS: service, operation, parameters and caller."""

from __future__ import annotations

import io
import json
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlencode

from botocore.exceptions import UnknownServiceError
from botocore.model import OperationNotFoundError
from moto.core.parse import PROTOCOL_PARSERS
from moto.core.request import Request, determine_request_protocol
from moto.core.routing import NotFound, get_service_router
from moto.core.utils import get_service_model

from sandbox.aws.callers import Caller, resolve

# Signing names (of the credential scope) that differ from the name of botocore's service model.
MODEL_NAMES = {
    "elasticloadbalancing": "elbv2",
    "monitoring": "cloudwatch",
    "tagging": "resourcegroupstaggingapi",
    "email": "ses",
    "eventbridge": "events",
}
# Operations that SDKs do not sign: the token in them is the proof.
UNSIGNED = {b"AssumeRoleWithWebIdentity": "sts", b"AssumeRoleWithSAML": "sts"}
_ACTION = re.compile(rb"(?:^|&)Action=([A-Za-z]+)")
_CREDENTIAL = re.compile(r"Credential=([^/,\s]+)/(\d{8})/([^/,\s]+)/([^/,\s]+)/aws4_request")


@dataclass
class AwsRequest:
    """One call of an AWS operation, parsed.

    ``service_model`` and ``operation_model`` are None where the request belongs to no known operation; then
    ``parameters`` is empty and moto alone decides on the answer.
    """

    environ: dict[str, Any]
    body: bytes
    service: str
    operation: str
    region: str
    caller: Caller
    protocol: str
    parameters: dict[str, Any]
    service_model: Any = None
    operation_model: Any = None

    def leave_out(self, parameter: str) -> None:
        """Take a top-level parameter out of a call of a JSON protocol, for what AWS ignores and moto does not."""
        self.body = _replace_json(self.body, {parameter: None})

    def fresh_environ(self, replace: dict[str, str | None] | None = None) -> dict[str, Any]:
        """Return a WSGI environment for moto, with some top-level parameters replaced (None: left out)."""
        environ = dict(self.environ)
        body = self.body
        if replace:
            if self.protocol in ("query", "ec2"):
                body = _replace(body.decode(), replace).encode()
            elif self.protocol == "json":
                body = _replace_json(body, replace)
            else:
                environ["QUERY_STRING"] = _replace(environ.get("QUERY_STRING", ""), replace)
                environ.pop("RAW_URI", None)
                environ.pop("REQUEST_URI", None)
        environ["wsgi.input"] = io.BytesIO(body)
        environ["CONTENT_LENGTH"] = str(len(body))
        environ.pop("HTTP_TRANSFER_ENCODING", None)
        environ.pop("wsgi.input_terminated", None)
        return environ


def _replace(query: str, replace: dict[str, str | None]) -> str:
    values = {key: value for key, value in parse_qs(query, keep_blank_values=True).items() if key not in replace}
    values.update({key: [value] for key, value in replace.items() if value is not None})
    return urlencode(values, doseq=True)


def _replace_json(body: bytes, replace: dict[str, str | None]) -> bytes:
    values = {key: value for key, value in json.loads(body).items() if key not in replace}
    values.update({key: value for key, value in replace.items() if value is not None})
    return json.dumps(values).encode()


def read_body(environ: dict[str, Any]) -> bytes:
    """Read the whole body, so that the connection can be used for the next request."""
    return bytes(Request(environ).get_data(cache=False))


def sign_from_query(environ: dict[str, Any]) -> None:
    """Give a presigned request (credentials in its query string) the header that moto routes by."""
    if "HTTP_AUTHORIZATION" in environ:
        return
    query = parse_qs(environ.get("QUERY_STRING", ""))
    if "X-Amz-Credential" in query:
        signed = query.get("X-Amz-SignedHeaders", [""])[0]
        environ["HTTP_AUTHORIZATION"] = (
            f"AWS4-HMAC-SHA256 Credential={query['X-Amz-Credential'][0]}, SignedHeaders={signed}, Signature=presigned"
        )


def parse_request(environ: dict[str, Any]) -> AwsRequest:
    """Parse one request; what cannot be parsed is left to moto."""
    sign_from_query(environ)
    body = read_body(environ)
    match = _CREDENTIAL.search(environ.get("HTTP_AUTHORIZATION", ""))
    access_key, region, signing_name = (match[1], match[3], match[4].lower()) if match else ("", "us-east-1", "")
    if not match and (action := _ACTION.search(body)):
        signing_name = UNSIGNED.get(action[1], "")
    caller = resolve(access_key, region, environ.get("HTTP_X_MOTO_ACCOUNT_ID"))
    service = MODEL_NAMES.get(signing_name, signing_name)
    parsed = AwsRequest(environ, body, service, "", region, caller, "", {})
    if service:
        _parse_operation(parsed)
    return parsed


def _parse_operation(parsed: AwsRequest) -> None:
    request = Request(parsed.fresh_environ())
    try:
        service_model = get_service_model(parsed.service)
        protocol = determine_request_protocol(service_model, request.content_type)
    except (UnknownServiceError, NotImplementedError):
        return
    url_parameters: dict[str, Any] = {}
    target = request.headers.get("X-Amz-Target", "")
    if protocol in ("query", "ec2"):
        operation = str(request.values.get("Action", ""))
    elif target:
        operation = target.split(".")[-1]
    else:
        try:
            matched, url_parameters = get_service_router(parsed.service).match(request)
        except (NotFound, NotImplementedError):
            return
        operation = matched.name
    try:
        operation_model = service_model.operation_model(operation)
    except OperationNotFoundError:
        parsed.operation = operation
        return
    parsed.operation, parsed.protocol = operation, protocol
    parsed.service_model, parsed.operation_model = service_model, operation_model
    parser = PROTOCOL_PARSERS[protocol](operation_model)
    parsed.parameters = parser.parse(
        {
            "method": request.method,
            "values": request.values,
            "headers": request.headers,
            "body": request.get_data(),
            "url_path": request.path,
            "url_params": url_parameters,
        }
    )
