# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Answers of the server, in the protocol of the service that was asked."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from botocore.parsers import create_parser
from moto.core.exceptions import ServiceException
from moto.core.serialize import XFormedAttributePicker, get_serializer_class

if TYPE_CHECKING:
    from sandbox.aws.request import AwsRequest


@dataclass
class Answer:
    """One HTTP answer."""

    status: int
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""


class Refusal(Exception):
    """An AWS error that the server answers with.

    Args:
        code: AWS's error code, for example ``NoSuchEntity``.
        message: AWS's message.
        status: HTTP status, 400 by default.
    """

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


class AwsError(ServiceException):
    """What moto's serializers write; not of a moto module, whose name they would take for a service."""


class DropConnection(Exception):
    """Close the connection without an answer."""


def _as_bytes(body: Any) -> bytes:
    return body if isinstance(body, bytes) else str(body).encode()


def serialize(request: AwsRequest, result: Any) -> Answer:
    """Write a result (or an AwsError) the way the request's protocol wants it."""
    assert request.operation_model is not None
    serializer_class = get_serializer_class(request.service, request.protocol)
    serializer = serializer_class(operation_model=request.operation_model, value_picker=XFormedAttributePicker())
    serialized = serializer.serialize(result)
    headers = [(str(key), str(value)) for key, value in serialized["headers"].items()]
    return Answer(int(serialized["status_code"]), headers, _as_bytes(serialized["body"]))


def error(request: AwsRequest, refusal: Refusal) -> Answer:
    """Write an AWS error in the shape that botocore reads for this service."""
    answer = serialize(request, AwsError(refusal.code, refusal.message))
    answer.status = refusal.status
    return answer


def parse(request: AwsRequest, answer: Answer) -> dict[str, Any]:
    """Read an answer as botocore would."""
    assert request.operation_model is not None
    parser = create_parser(request.protocol)
    headers = {key.lower(): value for key, value in answer.headers}
    shape = request.operation_model.output_shape
    parsed: dict[str, Any] = parser.parse(
        {"status_code": answer.status, "headers": headers, "body": answer.body}, shape
    )
    return parsed


def error_code(request: AwsRequest, answer: Answer) -> str | None:
    """Return the AWS error code of an answer, or None where it is no error."""
    if answer.status < 400 or request.operation_model is None:
        return None
    code = parse(request, answer).get("Error", {}).get("Code")
    return str(code) if code else None
