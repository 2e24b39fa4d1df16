# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Moments as people read them."""

from __future__ import annotations

import time


def when(moment: int) -> str:
    """Unix time in words, of the host's own zone: `2026-11-21 22:41:26 +0000`."""
    return time.strftime("%Y-%m-%d %H:%M:%S %z", time.localtime(moment))
