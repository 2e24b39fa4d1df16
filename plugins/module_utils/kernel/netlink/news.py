# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the kernel tells everybody who listens: changes of links and of routes (rtnetlink's groups)."""

from __future__ import annotations

import errno
import os
import socket

from ...model import marks
from ...model.errors import KernelError
from ...model.route import MAIN_TABLE
from . import links, routes
from .channel import messages
from .codec import RTM_DELLINK, RTM_DELROUTE, RTM_NEWLINK, RTM_NEWROUTE, Reply

# RTNLGRP_LINK; RTNLGRP_IPV4_ROUTE and RTNLGRP_IPV6_ROUTE
LINKS = 1 << 0
ROUTES = 1 << 6 | 1 << 10

_SO_RCVBUFFORCE = 33
_BUFFER = 4 << 20
_DATAGRAM = 64 << 10


class News:
    """Of this network namespace, from now on."""

    def __init__(self, groups: int) -> None:
        """groups: LINKS or ROUTES. Raises KernelError."""
        kind = socket.SOCK_RAW | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
        try:
            self._socket = socket.socket(socket.AF_NETLINK, kind, 0)
            self._socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER)
            self._socket.bind((0, groups))
        except OSError as error:
            raise KernelError("netlink", os.strerror(error.errno or 0)) from error

    def fileno(self) -> int:
        return self._socket.fileno()

    def close(self) -> None:
        self._socket.close()

    def read(self) -> list[Reply] | None:
        """All that came, without waiting; None: it was more than the kernel keeps, so anything may have changed."""
        found: list[Reply] = []
        lost = False
        while True:
            try:
                found += messages(self._socket.recv(_DATAGRAM))
            except BlockingIOError:
                return None if lost else found
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise KernelError("netlink", os.strerror(error.errno or 0)) from error
                lost = True


def is_about_ports(news: Reply, bridges: frozenset[int]) -> bool:
    """Whether a port of one of these bridges (numbers) came, changed or went."""
    if news.kind not in (RTM_NEWLINK, RTM_DELLINK):
        return False
    return links.read(news).master in bridges


def is_about_others_routes(news: Reply) -> bool:
    """Whether a route of the main table came, changed or went that is not ours."""
    if news.kind not in (RTM_NEWROUTE, RTM_DELROUTE):
        return False
    found = routes.read(news)
    return found is not None and found.table == MAIN_TABLE and found.protocol != marks.ROUTE_PROTOCOL
