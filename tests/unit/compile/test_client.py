# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Times in clients' files, judged by the standard library's calendar."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.weft.overlay.plugins.module_utils.compile.client import timestamp


@given(st.integers(0, 253402300799))
def test_a_time_is_written_as_everybody_writes_it(unix):
    assert timestamp(unix) == datetime.fromtimestamp(unix, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.mark.parametrize(
    ("unix", "text"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (951782399, "2000-02-28T23:59:59Z"),
        (951782400, "2000-02-29T00:00:00Z"),
        (4107542400, "2100-03-01T00:00:00Z"),
    ],
)
def test_leap_days_are_where_they_are(unix, text):
    assert timestamp(unix) == text
