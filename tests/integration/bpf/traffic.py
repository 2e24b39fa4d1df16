# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A program for one end of a flow: numbered datagrams, as fast as it can, until it is told to stop.

traffic.py send ADDRESS PORT     prints how many it sent
traffic.py receive ADDRESS PORT  prints how many different ones came
"""

from __future__ import annotations

import signal
import socket
import struct
import sys

_NUMBER = struct.Struct("!Q")
_BUFFER = 512 << 20
_SO_RCVBUFFORCE = 33


class _Stop:
    def __init__(self) -> None:
        self.asked = False
        signal.signal(signal.SIGTERM, self._ask)

    def _ask(self, *_arguments: object) -> None:
        self.asked = True


def send(end: socket.socket, place: tuple[str, int], stop: _Stop) -> int:
    """Each datagram is through the whole host before the next one is made: nothing waits in a queue on the way."""
    end.connect(place)
    number = 0
    while not stop.asked:
        end.send(_NUMBER.pack(number))
        number += 1
    return number


def receive(end: socket.socket, place: tuple[str, int], stop: _Stop) -> int:
    end.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER)
    end.bind(place)
    print("ready", flush=True)
    seen = set()
    end.settimeout(0.2)
    while True:
        try:
            seen.add(end.recv(_NUMBER.size))
        except TimeoutError:
            if stop.asked:
                return len(seen)


def main() -> None:
    what, address, port = sys.argv[1:]
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as end:
        done = (send if what == "send" else receive)(end, (address, int(port)), _Stop())
    print(done, flush=True)


if __name__ == "__main__":
    main()
