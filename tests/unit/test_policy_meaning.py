# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Policies compared by meaning, held against an evaluation of requests."""

from __future__ import annotations

import json
from typing import Any

from ansible_collections.ekspress.eks.plugins.module_utils._policy_meaning import same
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.policy_changes import neighbours, policies, rewritten
from tests.unit.policy_requests import difference

evaluating = settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
"""Evaluating takes its time, and no verdict may depend on how long."""


@given(st.data())
@evaluating
def test_another_form_is_the_same(data: st.DataObject) -> None:
    one = data.draw(policies())
    other = rewritten(data.draw, one)
    assert same(one, other)
    assert same(other, one)
    assert difference(one, json.loads(other) if isinstance(other, str) else other) is None


@given(st.data())
@settings(evaluating, max_examples=12)
def test_a_small_difference_is_never_called_the_same(data: st.DataObject) -> None:
    one = data.draw(policies())
    for other in neighbours(one):
        assert same(one, other) == same(other, one)
        if same(one, other) and json.dumps(one) != json.dumps(other):
            assert difference(one, other) is None


@given(st.data())
@evaluating
def test_neither_are_several_differences(data: st.DataObject) -> None:
    one = data.draw(policies())
    other = one
    for _ in range(data.draw(st.integers(2, 4))):
        other = data.draw(st.sampled_from(list(neighbours(other))))
    if same(one, other):
        assert difference(one, other) is None


@given(policies(), policies())
@evaluating
def test_neither_are_strangers(one: dict[str, Any], other: dict[str, Any]) -> None:
    if same(one, other):
        assert difference(one, other) is None
