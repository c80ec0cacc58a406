# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What becomes of a module's logic: results, warnings, secrets."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest
from ansible.module_utils.common.parameters import remove_values
from ansible_collections.ekspress.eks.plugins.module_utils._context import Context, Logic
from ansible_collections.ekspress.eks.plugins.module_utils._errors import CancelledError, EksError
from ansible_collections.ekspress.eks.plugins.module_utils._parallel import gather, settle
from ansible_collections.ekspress.eks.plugins.module_utils._runner import execute, missing_library
from ansible_collections.ekspress.eks.plugins.module_utils._secrets import written_forms
from hypothesis import given
from hypothesis import strategies as st


def logic(result: Any) -> Logic:
    """Logic that returns this, or raises it."""

    def run(params: dict[str, Any], context: Context) -> dict[str, Any]:
        if isinstance(result, BaseException):
            raise result
        return dict(result)

    return Logic(run=run, argument_spec=dict)


@given(st.text(st.characters(codec="utf-8")), st.sampled_from(["", "'", '"', "'\""]))
def test_secrets_are_known_in_every_written_form(middle: str, around: str) -> None:
    secret = f"hidden{middle}hidden"
    text = around + secret
    for shown in (text, repr(text), str(KeyError(repr(text))), json.dumps(text), json.dumps([repr(text)]), quote(text)):
        assert "hidden" not in remove_values(shown, written_forms([secret])), shown


def test_no_form_is_empty() -> None:
    assert "" not in written_forms([""])


def test_details_of_a_failure_are_kept() -> None:
    result = execute(logic(EksError("No.", error={"code": "A"})), {}, Context())
    assert result == {"failed": True, "changed": False, "msg": "No.", "error": {"code": "A"}}


@pytest.mark.parametrize("error", [ValueError("x"), SystemExit(1), RecursionError()])
def test_every_exception_becomes_a_result(error: BaseException) -> None:
    result = execute(logic(error), {}, Context())
    assert result["failed"]
    assert type(error).__name__ in result["msg"]
    assert type(error).__name__ in result["exception"]


def test_a_result_that_cannot_be_sent_is_a_failure() -> None:
    assert "TypeError" in execute(logic({"object": object()}), {}, Context())["msg"]


def test_a_diff_is_shown_where_asked_for() -> None:
    found = [execute(logic({"diff": {}}), {}, Context(diff_mode=mode)) for mode in (True, False)]
    assert found == [{"diff": {}, "changed": False}, {"changed": False}]


def test_calls_are_listed_once_where_asked_for() -> None:
    context = Context(actions=["b", "a", "b"])
    assert execute(logic({}), {"debug_botocore_endpoint_logs": True}, context)["resource_actions"] == ["a", "b"]


def test_a_write_in_check_mode_is_refused_and_a_read_is_not() -> None:
    context = Context(check_mode=True)
    context.before_call("ec2:DescribeVpcs", write=False)
    with pytest.raises(EksError, match="never writes"):
        context.before_call("ec2:CreateTags", write=True)


def test_no_call_starts_once_the_task_is_ended() -> None:
    context = Context()
    context.cancelled.set()
    with pytest.raises(CancelledError):
        context.before_call("ec2:DescribeVpcs", write=False)


def test_work_that_has_not_started_when_the_task_ends_never_starts() -> None:
    context, done = Context(), []

    def work(number: int) -> int:
        done.append(number)
        context.cancelled.set()
        return number

    outcomes = settle(context, work, range(5), workers=1)
    assert done == [0]
    assert outcomes[0] == 0
    assert all(isinstance(outcome, CancelledError) for outcome in outcomes[1:])


@given(st.lists(st.integers()), st.integers(1, 4))
def test_outcomes_come_in_order(items: list[int], workers: int) -> None:
    assert gather(Context(), str, items, workers) == [str(item) for item in items]


def test_the_first_error_in_order_is_raised_after_all_have_ended() -> None:
    done = []

    def work(number: int) -> None:
        done.append(number)
        raise ValueError(number)

    with pytest.raises(ValueError, match="0"):
        gather(Context(), work, range(3), workers=1)
    assert done == [0, 1, 2]


def test_nested_work_side_by_side() -> None:
    context = Context()
    assert gather(context, lambda n: sum(gather(context, lambda m: n * m, range(4))), range(4)) == [0, 6, 12, 18]


def test_a_missing_library_is_named() -> None:
    assert (
        missing_library(Logic(run=lambda p, c: {}, argument_spec=dict, libraries=("json", "no_such_one")))
        == "no_such_one"
    )
