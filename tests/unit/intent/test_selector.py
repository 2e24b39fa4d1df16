# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Selectors of labels, against every labelling there is."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.weft.overlay.plugins.module_utils.intent import document
from ansible_collections.weft.overlay.plugins.module_utils.intent.node import Report
from ansible_collections.weft.overlay.plugins.module_utils.intent.selector import SELECTOR, impossible, selects
from tests.unit.intent.domains import written
from tests.unit.intent.tenants import KEYS, LABELS, SELECTORS, VALUES

# Every way to label something that a selector made of KEYS and VALUES can tell from another: one value is of no
# selector, and None is no label.
LABELLINGS = [
    {key: value for key, value in zip(KEYS, values) if value is not None}
    for values in product([None, "another", *VALUES], repeat=len(KEYS))
]


def read(said):
    """The selector, and the paths of what is noted about it."""
    report = Report("f")
    selector = SELECTOR.read(document.read(written(said), report), "", report)
    assert report.faults() == ()
    return selector, [note.path for note in report.notes()]


def matches(said, labels):
    """As the documentation of Kubernetes has it, from the text of a selector."""
    for key, value in said.get("matchLabels", {}).items():
        if labels.get(key) != value:
            return False
    for expression in said.get("matchExpressions", []):
        has = expression["key"] in labels
        among = has and labels[expression["key"]] in expression.get("values", [])
        fits = {"In": among, "NotIn": not among, "Exists": has, "DoesNotExist": not has}
        if not fits[expression["operator"]]:
            return False
    return True


@pytest.mark.fault("F36")
@given(SELECTORS, LABELS)
def test_what_is_selected_is_what_kubernetes_would_select(said, labels):
    assert selects(read(said)[0], labels) == matches(said, labels)


@given(SELECTORS)
def test_a_selector_is_impossible_exactly_if_nothing_can_be_labelled_for_it(said):
    selector, notes = read(said)
    number = impossible(selector)
    assert (number is None) == any(matches(said, labels) for labels in LABELLINGS)
    assert notes == ([] if number is None else [f"matchExpressions[{number}]"])


@given(SELECTORS, st.data())
def test_the_contradiction_is_where_the_first_one_stands(said, data):
    number = impossible(read(said)[0])
    if number is not None:
        fewer = {**said, "matchExpressions": said["matchExpressions"][: data.draw(st.integers(0, number))]}
        assert impossible(read(fewer)[0]) is None


def test_a_selector_that_says_nothing_selects_everything():
    assert all(selects(read({})[0], labels) for labels in LABELLINGS)
