# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""No flood fills a disk, and none hides another's denials."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.weft.overlay.plugins.module_utils.edge.denials.share import ALL, SENDER, Rate, Shares

LOUD, QUIET = (256, 1), (257, 1)
ASKS = st.lists(st.tuples(st.floats(0, 30), st.lists(st.integers(0, 5), max_size=40)), max_size=20)


def asked(*numbers: int) -> list[tuple[int, int]]:
    return [(number, 0) for number in numbers]


def test_a_sender_has_a_burst_and_then_one_line_at_a_time():
    shares = Shares(Rate(3, 5.0), ALL)
    assert [one.place for one in shares.admit([LOUD] * 10, 100.0)] == [0, 1, 2]
    assert shares.admit([LOUD], 104.9) == []
    assert shares.admit([LOUD] * 4, 105.1) == [(0, 8)]
    assert shares.held_back == 7 + 1 + 3
    assert [one.held_back for one in shares.admit([LOUD] * 3, 1000.0)] == [3, 0, 0]


def test_a_flood_hides_nobody_else():
    shares = Shares()
    for second in range(100):
        shares.admit([LOUD] * 10_000, float(second))
    found = shares.admit([*[LOUD] * 10_000, QUIET], 100.0)
    assert (10_000, 0) in found


def test_where_all_are_too_many_everybody_has_some():
    """A thousand loud ones at once, and a quiet one after them in the buffer."""
    shares = Shares(SENDER, Rate(1000, 0.1))
    loud = [(number, 0) for number in range(1000, 1999) for _line in range(16)]
    found = shares.admit([*loud, QUIET], 0.0)
    assert len(found) == 1000
    assert len({[*loud, QUIET][one.place] for one in found}) == 1000
    # All of the common share is used; what comes back goes to whoever has used less of theirs.
    assert [one.place for one in shares.admit([*asked(*range(1000, 1999)), (3, 0)], 0.15)] == [999]


@given(ASKS)
def test_no_share_is_ever_exceeded_and_everything_is_accounted_for(asks):
    sender, together = Rate(4, 2.0), Rate(9, 0.5)
    shares, now, total = Shares(sender, together), 0.0, 0
    lines: dict[int, int] = {}
    told = 0
    for pause, numbers in asks:
        now += pause
        total += len(numbers)
        found = shares.admit(asked(*numbers), now)
        assert [one.place for one in found] == sorted({one.place for one in found})
        told += sum(one.held_back for one in found)
        for one in found:
            lines[numbers[one.place]] = lines.get(numbers[one.place], 0) + 1
        assert sum(lines.values()) <= together.burst + now / together.every + 1
        assert all(count <= sender.burst + now / sender.every + 1 for count in lines.values())
    assert sum(lines.values()) + shares.held_back == total
    assert told + shares.waiting() == shares.held_back


@given(ASKS)
def test_whoever_keeps_within_its_share_is_never_held_back_by_another_sender(asks):
    shares, now = Shares(Rate(2, 1.0), Rate(10_000, 0.001)), 0.0
    for pause, numbers in asks:
        now += 1.0 + pause
        found = shares.admit([*asked(*numbers), QUIET], now)
        assert found[-1].place == len(numbers)


def test_whoever_was_quiet_for_long_is_forgotten():
    shares = Shares()
    shares.admit([(number, 0) for number in range(100_000)], 0.0)
    shares.admit([], 10_000.0)
    assert len(shares._until) == 0
