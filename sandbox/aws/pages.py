# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Pages: AWS may answer any paginated operation with fewer items than there are.

moto ignores the page size of many operations; here each operation that botocore knows a paginator for has pages of
the size that the caller asks for, and of ``page_size`` items at most where a test sets that.
https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListRoles.html ("IAM might return fewer than the MaxItems number
of results, even when there are more results available").
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import Any

from botocore.exceptions import UnknownServiceError
from moto.core.utils import get_pagination_model

from sandbox.aws.answers import Answer, Refusal, parse, serialize
from sandbox.aws.request import AwsRequest
from sandbox.aws.state import State

Dispatch = Callable[[AwsRequest, dict[str, str | None] | None], Answer]

# Services whose modules page by the plain scheme: one token, one list.
# Items of a page where the caller names no size.
DEFAULT_SIZES = {"autoscaling": 50, "ec2": 1000, "iam": 100, "eks": 100, "events": 100}
# Items of a page at most, where the service's model does not say it.
LARGEST_SIZES = {"autoscaling": 100}
# What an item of an IAM list is called by.
NAMES = ("RoleName", "PolicyName", "UserName", "GroupName", "InstanceProfileName", "Key", "VersionId", "Arn")


def _model(request: AwsRequest) -> dict[str, Any] | None:
    if request.service not in DEFAULT_SIZES:
        return None
    try:
        model: dict[str, Any] | None = get_pagination_model(request.service).get(request.operation)
    except UnknownServiceError:
        return None
    if model is None or isinstance(model["input_token"], list) or isinstance(model["result_key"], list):
        return None
    return model


def _encode(position: int) -> str:
    return base64.urlsafe_b64encode(f"sandbox:{position}".encode()).decode()


def _decode(request: AwsRequest, token: str) -> int:
    try:
        text = base64.urlsafe_b64decode(token.encode()).decode()
    except (binascii.Error, UnicodeDecodeError):
        text = ""
    prefix, _separator, position = text.partition(":")
    if prefix != "sandbox" or not position.isdigit():
        code = "InvalidNextToken" if request.service in ("autoscaling", "ec2") else _invalid(request)
        raise Refusal(code, f"The token {token!r} is not valid.")
    return int(position)


def _asked(request: AwsRequest, limit_key: str | None) -> int | None:
    asked = request.parameters.get(limit_key) if limit_key else None
    if asked is None:
        return None
    _check_size(request, str(limit_key), int(asked))
    return int(asked)


def _check_size(request: AwsRequest, limit_key: str, asked: int) -> None:
    """Refuse a page size out of the range that the service's model documents."""
    limits = request.operation_model.input_shape.members[limit_key].metadata
    low, high = limits.get("min", 1), limits.get("max", LARGEST_SIZES.get(request.service, 1000))
    if not low <= asked <= high:
        raise Refusal(_invalid(request), f"Value ( {asked} ) for parameter {limit_key} is not in {low} to {high}.")


def _invalid(request: AwsRequest) -> str:
    codes = {
        "autoscaling": "ValidationError",
        "ec2": "InvalidParameterValue",
        "events": "ValidationException",
        "iam": "ValidationError",
    }
    return codes.get(request.service, "InvalidParameterException")


def cut(request: AwsRequest, state: State, items: list[Any]) -> tuple[list[Any], str | None]:
    """Return the page of a list that a call of an operation of ours asks for, and the token of the next one."""
    model = _model(request)
    assert model is not None, f"{request.service} {request.operation} has no pages"
    asked, token = _asked(request, model.get("limit_key")), request.parameters.get(model["input_token"])
    size = asked or DEFAULT_SIZES[request.service]
    start = _decode(request, str(token)) if token else 0
    end = start + min(size, state.settings.page_size or size)
    return items[start:end], _encode(end) if end < len(items) else None


def paginated(request: AwsRequest, state: State, dispatch: Dispatch) -> Answer:
    """Dispatch a call and cut its answer into pages."""
    model = _model(request)
    if model is None:
        return dispatch(request, None)
    output_token = str(model["output_token"])
    token = request.parameters.get(model["input_token"])
    asked, cut = _asked(request, model.get("limit_key")), state.settings.page_size
    if not asked and not cut and not token:
        answer = dispatch(request, None)
        # Parsing takes longer than moto does: only where the answer names a token at all.
        mentioned = answer.status < 400 and output_token.lower().encode() in answer.body.lower()
        if not mentioned or not parse(request, answer).get(output_token):
            return answer
    size = asked or DEFAULT_SIZES[request.service]
    answer, whole = _everything(request, dispatch, model)
    if answer.status >= 400:
        return answer
    result_key = str(model["result_key"])
    items = whole[result_key]
    start = _decode(request, str(token)) if token else 0
    end = start + min(size, cut or size)
    more = end < len(items)
    whole[result_key] = items[start:end]
    whole.pop(output_token, None)
    if more:
        whole[output_token] = _encode(end)
    if "more_results" in model:
        whole[model["more_results"]] = more
    return serialize(request, whole)


def _everything(request: AwsRequest, dispatch: Dispatch, model: dict[str, Any]) -> tuple[Answer, dict[str, Any]]:
    """Read all of moto's own pages."""
    result_key = str(model["result_key"])
    items: list[Any] = []
    token: str | None = None
    while True:
        replace: dict[str, str | None] = {model["input_token"]: token}
        if "limit_key" in model:
            replace[model["limit_key"]] = None
        answer = dispatch(request, replace)
        if answer.status >= 400:
            return answer, {}
        whole = parse(request, answer)
        whole.pop("ResponseMetadata", None)
        items += whole.get(result_key, [])
        token = whole.get(str(model["output_token"]))
        if not token:
            if request.service == "iam":
                # AWS lists by name; the order of moto's dictionaries is no ground for pages.
                items.sort(key=_name)
            whole[result_key] = items
            return answer, whole


def _name(item: Any) -> str:
    if isinstance(item, str):
        return item
    return next((str(item[key]) for key in NAMES if key in item), "")
