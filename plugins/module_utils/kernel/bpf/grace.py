# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Waits of the kernel for programs that still run (synchronize_rcu), made short.

Who changes a row of programs, or a table that programs know, waits until no processor is in what was there before.
The kernel waits for an occasion, to disturb nobody: 13 ms each time, and of a row while nobody else may change any
network device. That is more than six seconds on a hub with 255 tunnels. It takes 20 us where it asks the processors
instead.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

_EXPEDITED = "/sys/kernel/rcu_expedited"


@contextmanager
def at_once() -> Iterator[None]:
    """Meanwhile the kernel asks (kernel-parameters.txt: rcupdate.rcu_expedited). A setting that somebody made stays;
    where it cannot be written, calls take their time. Two at once do no harm: the one that ends later waits longer."""
    turned = _turn("0", "1")
    try:
        yield
    finally:
        if turned:
            _turn("1", "0")


def _turn(before: str, after: str) -> bool:
    try:
        with open(_EXPEDITED, encoding="ascii") as switch:
            if switch.read().strip() != before:
                return False
        with open(_EXPEDITED, "w", encoding="ascii") as switch:
            switch.write(after)
    except OSError:  # a container's /sys is read-only, and small kernels have no such switch
        return False
    return True
