# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Senders come back, not all at once, and not more often than a NAS can bear."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.weft.overlay.plugins.module_utils.edge.denials.send import Backoff, Places, Sender


@given(st.lists(st.floats(0, 1, exclude_max=True), min_size=20, max_size=20))
def test_each_failure_waits_longer_up_to_a_minute_and_never_less_than_half(chances):
    turns = iter(chances)
    backoff = Backoff(lambda: next(turns))
    waited = [backoff.seconds() for _chance in chances]
    for number, seconds in enumerate(waited):
        most = min(2.0**number, 60.0)
        assert most / 2 <= seconds <= most


def test_after_it_worked_it_begins_with_the_shortest():
    backoff = Backoff(lambda: 0.5)
    assert [backoff.seconds() for _turn in range(3)] == [0.75, 1.5, 3.0]
    backoff.over()
    assert backoff.seconds() == 0.75


def test_a_plan_that_cannot_be_read_is_told_once(tmp_path, capsys):
    (tmp_path / "plan.json").write_text("{", encoding="utf-8")
    sender = Sender(Places(str(tmp_path / "plan.json"), str(tmp_path), str(tmp_path)))
    for _turn in range(3):
        assert sender.turn() > 0
    (said,) = capsys.readouterr().err.splitlines()
    assert said.startswith("weft send: the plan is not JSON")


def test_without_a_plan_it_waits(tmp_path, capsys):
    sender = Sender(Places(str(tmp_path / "none"), str(tmp_path), str(tmp_path)))
    assert sender.turn() == 1.0
    assert capsys.readouterr().err == ""
