# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Versions of what is kept: plans, policies, ledgers. What is newer than the code is not guessed at."""

from __future__ import annotations


def newer(version: object, known: int) -> str:
    """How a version that only a later release knows is refused; "" for any other."""
    if not isinstance(version, int) or isinstance(version, bool) or version <= known:
        return ""
    return f"version {version}, which is newer than this weft.overlay reads ({known}); install a newer collection"


def fault(version: object, known: int) -> str:
    """The same of any version that is not the known one."""
    words = newer(version, known)
    if words or (version == known and not isinstance(version, bool)):
        return words
    return f"version {version!r}, this release reads version {known}"
