# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Numbers that several parts have to agree about."""

from __future__ import annotations

from ansible_collections.weft.overlay.plugins.module_utils.model import marks


def test_there_is_a_table_for_each_tag_and_none_where_the_kernels_are():
    tables = range(marks.FIRST_TABLE, marks.LAST_TABLE + 1)
    assert len(tables) == len(range(marks.FIRST_TAG, marks.LAST_TAG + 1))
    assert not set(tables) & {52, 220, *range(256), 7120, 51820}
    assert tables.start > 65535, "wg-quick has one for each port"


def test_every_tag_lies_in_the_bits_that_are_ours_and_one_is_left_for_none():
    written = {tag << marks.MARK_SHIFT for tag in range(marks.FIRST_TAG, marks.LAST_TAG + 1)}
    assert {mark & ~marks.MARK_MASK for mark in written} == {0}
    assert marks.NO_TAG << marks.MARK_SHIFT == marks.MARK_MASK
    assert not written & {0, marks.MARK_MASK}
