"""Runs in a client: numbered pings to one address, one every so many seconds, until stdin ends.

argv: target address, seconds. stdout: a line of JSON when it begins, and one at the end: how many were sent, which
were never answered, how many answers came twice, and the longest time without an answer, in seconds.
"""

import contextlib
import json
import os
import select
import socket
import struct
import sys
import time

SO_RCVBUFFORCE, ROOM = 33, 16 << 20  # asm-generic/socket.h; octets
LATE = 1.5  # seconds that the last answers are waited for


def packet(six, number, sequence):
    head = struct.pack("!BBHHH", 128 if six else 8, 0, 0, number, sequence & 0xFFFF) + struct.pack("!I", sequence)
    if six:
        return head
    total = sum(struct.unpack("!6H", head))
    total = (total & 0xFFFF) + (total >> 16)
    total = (total & 0xFFFF) + (total >> 16)
    return head[:2] + struct.pack("!H", ~total & 0xFFFF) + head[4:]


def sequence_of(six, number, data):
    """The number of the ping that this answers, None for what is not ours."""
    message = data if six else data[(data[0] & 15) * 4 :]
    if len(message) < 12 or message[0] != (129 if six else 0) or struct.unpack("!H", message[4:6])[0] != number:
        return None
    return struct.unpack("!I", message[8:12])[0]


class Flow:
    def __init__(self, target, pause):
        self.target, self.pause, self.six = target, pause, ":" in target
        family, protocol = (
            (socket.AF_INET6, socket.IPPROTO_ICMPV6) if self.six else (socket.AF_INET, socket.IPPROTO_ICMP)
        )
        self.line = socket.socket(family, socket.SOCK_RAW, protocol)
        # On a busy machine this program has to wait for its turn; what came meanwhile was not lost on the way.
        self.line.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, ROOM)
        self.number = os.getpid() & 0xFFFF
        self.sent, self.seen, self.times = 0, {}, [time.monotonic()]

    def due(self):
        return self.times[0] + self.sent * self.pause

    def send(self):
        self.sent += 1
        # Without a way there (in the middle of roaming) it stays unanswered, and that is what counts.
        with contextlib.suppress(OSError):
            self.line.sendto(packet(self.six, self.number, self.sent - 1), (self.target, 0))

    def receive(self):
        sequence = sequence_of(self.six, self.number, self.line.recv(2048))
        if sequence is not None:
            self.seen[sequence] = self.seen.get(sequence, 0) + 1
            self.times.append(time.monotonic())

    def run(self):
        """Until stdin ends."""
        while True:
            ready, _, _ = select.select([self.line, sys.stdin], [], [], max(0, self.due() - time.monotonic()))
            if self.line in ready:
                self.receive()
            if sys.stdin in ready:
                return
            if time.monotonic() >= self.due():
                self.send()

    def settle(self):
        """The answers that are still on their way."""
        end = time.monotonic() + LATE
        while len(self.seen) < self.sent and time.monotonic() < end:
            if select.select([self.line], [], [], 0.05)[0]:
                self.receive()

    def told(self):
        return {
            "sent": self.sent,
            "lost": [sequence for sequence in range(self.sent) if sequence not in self.seen],
            "twice": sum(1 for count in self.seen.values() if count > 1),
            "silence": max((after - before for before, after in zip(self.times, self.times[1:])), default=0.0),
        }


def main():
    flow = Flow(sys.argv[1], float(sys.argv[2]))
    print(json.dumps({"began": time.time()}), flush=True)
    flow.run()
    flow.settle()
    print(json.dumps(flow.told()))


main()
