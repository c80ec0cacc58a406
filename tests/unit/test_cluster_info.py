# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""When cluster_info reads again while it waits."""

from __future__ import annotations

from ansible_collections.ekspress.eks.plugins.module_utils._cluster_info import LONGEST_SLEEP, next_sleep
from hypothesis import given
from hypothesis import strategies as st

SECONDS = st.floats(min_value=0, max_value=7200)
SLEEPS = st.floats(min_value=0.01, max_value=120)


def reads(sleep: float, timeout: float) -> list[float]:
    """Seconds at which a cluster that never becomes ACTIVE is read."""
    moments = [0.0]
    while pause := next_sleep(moments[-1], sleep, timeout):
        moments.append(moments[-1] + pause)
    return moments


def test_half_an_hour_costs_few_reads() -> None:
    moments = reads(10.0, 1800.0)
    assert moments[:11] == [10.0 * number for number in range(11)]
    assert moments[-1] == 1800.0
    assert len(moments) < 80


@given(SECONDS, SLEEPS, SECONDS)
def test_never_faster_than_asked_nor_later_than_the_timeout(waited: float, sleep: float, timeout: float) -> None:
    pause = next_sleep(waited, sleep, timeout)
    assert waited + pause <= max(waited, timeout) + 1e-6
    if waited + sleep <= timeout:
        assert sleep <= pause + 1e-6
        assert pause <= max(sleep, LONGEST_SLEEP)
    if waited >= timeout:
        assert pause == 0


@given(st.floats(min_value=1, max_value=60), st.floats(min_value=0, max_value=3600))
def test_the_last_read_is_at_the_timeout(sleep: float, timeout: float) -> None:
    assert abs(reads(sleep, timeout)[-1] - timeout) < 1e-6
