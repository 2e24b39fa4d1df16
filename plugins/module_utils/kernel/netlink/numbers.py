# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Links by their names now: the numbers by which the kernel knows them (ifindex)."""

from __future__ import annotations

from socket import if_nametoindex

from ...model.errors import KernelError


def number_of(name: str | None, subject: str) -> int:
    """The number of the link of this name, 0 for no name. Raises KernelError about ``subject``."""
    if not name:
        return 0
    try:
        return if_nametoindex(name)
    except OSError as error:
        raise KernelError(subject, f"there is no link {name}") from error


def is_there(name: str) -> bool:
    """Whether there is a link of this name now."""
    try:
        if_nametoindex(name)
    except OSError:
        return False
    return True
