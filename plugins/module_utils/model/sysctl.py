# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A host-wide kernel switch that the overlay needs. Switches of our own links are part of the link."""

from __future__ import annotations

from typing import NamedTuple


class Sysctl(NamedTuple):
    """name: dotted, `net.ipv4.ip_forward`. value: as the kernel prints it.

    Host-wide switches are shared with others, so a plan that no longer names one leaves it as it is.
    """

    name: str
    value: str

    def key(self) -> str:
        return self.name
