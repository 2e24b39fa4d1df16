# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""An address on one of our links."""

from __future__ import annotations

from typing import NamedTuple


class Address(NamedTuple):
    """address: in interface notation, `10.1.0.254/16`.

    prefix_route: whether the kernel makes the route to the prefix (False sets IFA_F_NOPREFIXROUTE).
    """

    link: str
    address: str
    prefix_route: bool = True

    def key(self) -> str:
        return self.link + " " + self.address
