# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Medians, quantiles, and when two sets of rounds may be called different."""

from __future__ import annotations

import itertools
import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.weft.overlay.plugins.module_utils.measure.statistics import (
    CHANCE,
    chance,
    compare,
    distinct,
    quantile,
    summary,
)

FIGURE = st.floats(min_value=0, max_value=1e12, allow_nan=False)
FIGURES = st.lists(FIGURE, min_size=1, max_size=30)


@given(FIGURES)
def test_the_median_is_the_one_of_the_standard_library(values: list[float]) -> None:
    assert quantile(values, 0.5) == pytest.approx(statistics.median(values), rel=1e-12)


@given(st.lists(FIGURE, min_size=2, max_size=300))
def test_percentiles_are_those_of_the_standard_library(values: list[float]) -> None:
    expected = statistics.quantiles(values, n=100, method="inclusive")
    for percent in (1, 10, 50, 90, 99):
        assert quantile(values, percent / 100) == pytest.approx(expected[percent - 1], rel=1e-9, abs=1e-9)


@given(FIGURES, st.floats(min_value=0, max_value=1))
def test_a_quantile_lies_among_the_values_and_order_does_not_matter(values: list[float], share: float) -> None:
    found = quantile(values, share)
    assert min(values) <= found <= max(values)
    assert quantile(values[::-1], share) == found


def test_no_values_have_no_quantile() -> None:
    with pytest.raises(ValueError, match="no values"):
        quantile([], 0.5)


@pytest.mark.parametrize(("first", "second"), list(itertools.product(range(1, 6), repeat=2)))
def test_chance_is_what_counting_all_orders_gives(first: int, second: int) -> None:
    """Of all ways to say which of the ordered rounds belong to the first set, those that keep the sets apart."""
    orders = list(itertools.combinations(range(first + second), first))
    apart = [
        order
        for order in orders
        if max(order) < min(set(range(first + second)) - set(order))
        or min(order) > max(set(range(first + second)) - set(order))
    ]
    assert chance(first, second) == pytest.approx(len(apart) / len(orders))


@given(FIGURES, FIGURES)
def test_which_run_came_first_does_not_matter(before: list[float], after: list[float]) -> None:
    assert distinct(summary(before), summary(after)) == distinct(summary(after), summary(before))


@given(FIGURES)
def test_a_run_is_never_different_from_itself(values: list[float]) -> None:
    assert not compare(values, values).distinct


@given(FIGURES, FIGURES)
def test_different_means_that_every_round_of_one_is_above_every_round_of_the_other(
    before: list[float], after: list[float]
) -> None:
    apart = all(a < b for a in before for b in after) or all(a > b for a in before for b in after)
    enough = 2 / math.comb(len(before) + len(after), len(before)) <= CHANCE
    assert compare(before, after).distinct == (apart and enough)


@given(FIGURES, FIGURES, st.integers(min_value=-8, max_value=8))
def test_the_unit_does_not_matter(before: list[float], after: list[float], power: int) -> None:
    # powers of two scale without rounding, but for what is too small to have all its digits
    scale = 2.0**power
    if all(value == 0 or value > 1e-200 for value in before + after):
        scaled = compare([value * scale for value in before], [value * scale for value in after])
        assert scaled.distinct == compare(before, after).distinct
        assert scaled.ratio == compare(before, after).ratio


@pytest.mark.parametrize(("rounds", "told_apart"), [(1, False), (2, False), (3, True), (5, True)])
def test_three_rounds_of_each_are_the_least_that_say_anything(rounds: int, told_apart: bool) -> None:
    slow, fast = [100.0 + step for step in range(rounds)], [200.0 + step for step in range(rounds)]
    found = compare(slow, fast)
    assert found.distinct is told_apart
    assert found.ratio == pytest.approx(2, abs=0.05)


def test_nothing_has_no_ratio() -> None:
    assert compare([0.0, 0.0, 0.0], [1.0, 2.0, 3.0]).ratio is None


def test_ranges_that_touch_overlap() -> None:
    assert not compare([1.0, 2.0, 3.0], [3.0, 4.0, 5.0]).distinct
