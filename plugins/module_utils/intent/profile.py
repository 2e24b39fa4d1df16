# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Access profiles: what a client may reach, on whatever interface it is bound to."""

from __future__ import annotations

from typing import NamedTuple

SPLIT = "split"
FULL = "full"


class Profile(NamedTuple):
    """lan: the interface's lan networks and the server itself. internet: what is not internal, behind the server.

    clients: the other clients of the interface. subnets: further networks. exclude: networks cut out of all this.
    tunnel: SPLIT: the client sends only what it may reach; FULL: it sends everything (but exclude).
    """

    lan: bool
    internet: bool
    clients: bool
    subnets: tuple[str, ...]
    exclude: tuple[str, ...]
    tunnel: str
