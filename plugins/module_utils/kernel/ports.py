# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""UDP ports in use, out of /proc/net/udp and udp6 (Linux: Documentation/networking/proc_net_tcp.rst has the format).

They show the network namespace of the process that looks. The sockets of the kernel's WireGuard are there like those
of wireguard-go, so both are left out by their port: two sockets cannot have the same one by accident.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..model.errors import KernelError

_TABLES = ("/proc/net/udp", "/proc/net/udp6")


def observe(own: Iterable[int] = ()) -> tuple[int, ...]:
    """Local ports of all UDP sockets, in order. own: those of our WireGuard devices, which are left out."""
    found: set[int] = set()
    for table in _TABLES:
        found.update(_bound(table))
    return tuple(sorted(found.difference(own)))


def _bound(path: str) -> Iterable[int]:
    try:
        with open(path, encoding="ascii") as file:
            next(file, None)  # the heads of the columns
            # `  42: 0100007F:0035 00000000:0000 07 …`
            return [int(line.split(None, 2)[1].rpartition(":")[2], 16) for line in file]
    except FileNotFoundError:
        return []  # a kernel without IPv6
    except (OSError, ValueError, IndexError) as error:
        raise KernelError("UDP ports", f"{path}: {error}") from error
