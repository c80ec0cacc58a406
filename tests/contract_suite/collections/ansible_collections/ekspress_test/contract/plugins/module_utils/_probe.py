# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What no real module shows: every kind of argument, result and end that the action base must treat as a module's."""

from __future__ import annotations

import datetime
import os
import sys
import warnings
from typing import Any

from ansible.module_utils.basic import env_fallback
from ansible_collections.ekspress.eks.plugins.module_utils._adapter import aws_options
from ansible_collections.ekspress.eks.plugins.module_utils._aws import Aws
from ansible_collections.ekspress.eks.plugins.module_utils._context import Context, Logic
from ansible_collections.ekspress.eks.plugins.module_utils._errors import EksError
from ansible_collections.ekspress.eks.plugins.module_utils._parallel import gather

FROM = "ekspress_test.contract"


def argument_spec() -> dict[str, Any]:
    """The options of the module."""
    return {
        **aws_options(),
        "end": {"type": "str", "default": "echo", "choices": list(ENDS)},
        "value": {"type": "raw"},
        "number": {"type": "int"},
        "items_of": {"type": "list", "elements": "dict", "options": {"inner": {"type": "str", "no_log": True}}},
        "name": {"type": "str", "aliases": ["title"]},
        "secret": {"type": "str", "no_log": True},
        "from_environment": {"type": "str", "fallback": (env_fallback, ["CONTRACT_VALUE"])},
        "secret_from_environment": {"type": "str", "no_log": True, "fallback": (env_fallback, ["CONTRACT_SECRET"])},
        "old": {"type": "str", "removed_in_version": "9.0.0", "removed_from_collection": FROM},
        "dated": {"type": "str", "removed_at_date": "2030-01-01", "removed_from_collection": FROM},
        "renamed": {
            "type": "str",
            "aliases": ["former"],
            "deprecated_aliases": [{"name": "former", "version": "9.0.0", "collection_name": FROM}],
        },
        "exclusive": {"type": "str"},
        "calls": {"type": "int", "default": 1},
    }


def _echo(params: dict[str, Any], context: Context) -> dict[str, Any]:
    if params["name"] == "warn":
        context.warn(f"The secret is {params['secret']}.")
    return {
        "changed": bool(params["name"]) and not context.check_mode,
        "value": params["value"],
        "kinds": _kinds(params["value"]),
        "secret_text": f"<{params['secret']}>",
        "from_environment": params["from_environment"],
        "directory": os.getcwd(),
        "variables": {name: value for name, value in os.environ.items() if name.startswith("CONTRACT_")},
        "diff": {"before": {}, "after": {"secret": params["secret"], "name": params["name"]}},
    }


def _kinds(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _kinds(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_kinds(item) for item in value]
    return type(value).__name__


def _values(params: dict[str, Any], context: Context) -> dict[str, Any]:
    return {
        "moment": datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC),
        "day": datetime.date(2026, 1, 2),
        "bytes": b"caf\xc3\xa9",
        "tuple": (1, 2),
        "set": {1},
        "number": 1.5,
        "none": None,
        "text": "{{ not_a_template }}",
    }


def _noise(params: dict[str, Any], context: Context) -> dict[str, Any]:
    print("on standard output")
    print("on standard error", file=sys.stderr)
    warnings.warn("a Python warning", stacklevel=1)
    return {"changed": False}


def _fail(params: dict[str, Any], context: Context) -> dict[str, Any]:
    context.warn("A warning before the failure.")
    raise EksError(f"No {params['secret']} here.", found=["a", params["secret"]], nested={"secret": params["secret"]})


def _crash(params: dict[str, Any], context: Context) -> dict[str, Any]:
    raise KeyError(f"{params['secret']} {[params['secret']]}")


def _leave(params: dict[str, Any], context: Context) -> dict[str, Any]:
    sys.exit("gone")


def _strange(params: dict[str, Any], context: Context) -> dict[str, Any]:
    return {"object": object()}


def _invalid_call(params: dict[str, Any], context: Context) -> dict[str, Any]:
    aws = Aws(params, context)
    return aws.call(aws.client("ec2"), "create_tags", Resources=params["secret"], Tags=[{"Key": [params["secret"]]}])


def _who(params: dict[str, Any], context: Context) -> dict[str, Any]:
    aws = Aws(params, context)
    return {"arn": aws.call(aws.client("sts"), "get_caller_identity")["Arn"]}


def _write(params: dict[str, Any], context: Context) -> dict[str, Any]:
    """Many writes, some side by side, so that an end in their midst shows."""
    aws = Aws(params, context)
    iam = aws.client("iam")

    def create(number: int) -> None:
        aws.call(iam, "create_group", GroupName=f"contract-{number}")

    gather(context, create, range(params["calls"]), workers=4)
    for number in range(params["calls"]):
        create(params["calls"] + number)
    return {"changed": True}


ENDS = {
    "echo": _echo,
    "values": _values,
    "noise": _noise,
    "fail": _fail,
    "crash": _crash,
    "leave": _leave,
    "strange": _strange,
    "invalid_call": _invalid_call,
    "who": _who,
    "write": _write,
}


def run(params: dict[str, Any], context: Context) -> dict[str, Any]:
    """End as the option ``end`` says."""
    return ENDS[params["end"]](params, context)


LOGIC = Logic(
    run=run,
    argument_spec=argument_spec,
    services=("ec2", "iam", "sts"),
    constraints={"mutually_exclusive": [("exclusive", "number")]},
)
