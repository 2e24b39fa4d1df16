"""Runs in the host `road`, or on the machine: many probes at once, each in the network namespace of its client.

stdin: {"wait": seconds without news, "probes": [[client, target address, what], …]}. client: name or path of a
namespace. what: "icmp", a TCP port, or [UDP port]. stdout: a list with an entry for each: null where nothing came back,
"" for a ping that was answered, and otherwise the last line that came (from lab/agents/echo.py: the address that the
connection or the datagram came from).
"""

import ctypes
import json
import os
import selectors
import socket
import struct
import sys
import time

CLONE_NEWNET = 0x40000000
AGAIN = 0.4  # seconds until a ping is repeated


def enter(client):
    space = os.open(os.path.join("/run/netns", client), os.O_RDONLY)
    if ctypes.CDLL(None, use_errno=True).setns(space, CLONE_NEWNET):
        sys.exit(f"{client}: {os.strerror(ctypes.get_errno())}")
    os.close(space)


class Ping:
    wants = selectors.EVENT_READ

    def __init__(self, target, number):
        self.six = ":" in target
        self.socket = socket.socket(
            *(
                (socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
                if self.six
                else (socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
            )
        )
        self.socket.connect((target, 0))
        self.number = number
        self.again()

    def again(self):
        head = struct.pack("!BBHHH", 128 if self.six else 8, 0, 0, self.number, 1)
        # IPv4 alone: the kernel fills in the checksum of ICMPv6.
        total = sum(struct.unpack("!4H", head))
        total = (total & 0xFFFF) + (total >> 16)
        try:
            self.socket.send(head if self.six else head[:2] + struct.pack("!H", ~total & 0xFFFF) + head[4:])
        except OSError:  # no way there, or no longer; what counts is that nothing comes back
            return

    def ready(self, _mask):
        """The answer, or None to go on waiting."""
        packet = self.socket.recv(2048)
        message = packet if self.six else packet[(packet[0] & 15) * 4 :]
        answered = message[0] == (129 if self.six else 0) and struct.unpack("!H", message[4:6])[0] == self.number
        return "" if answered else None


class Connection:
    wants = selectors.EVENT_WRITE

    def __init__(self, target, port):
        self.socket = socket.socket(socket.AF_INET6 if ":" in target else socket.AF_INET)
        self.socket.setblocking(False)
        self.socket.connect_ex((target, port))
        self.text = b""

    def again(self):
        """TCP repeats by itself."""

    def ready(self, mask):
        if mask & selectors.EVENT_WRITE:
            self.socket.send(b"hello\n")  # raises what the attempt to connect came to
            self.wants = selectors.EVENT_READ
            return None
        data = self.socket.recv(2048)
        self.text += data
        if data and not self.text.partition(b"\r\n\r\n")[2]:
            return None
        lines = self.text.decode("ascii", "replace").split("\r\n")
        return next((line for line in reversed(lines) if line), None)


class Datagram:
    wants = selectors.EVENT_READ

    def __init__(self, target, port):
        self.socket = socket.socket(socket.AF_INET6 if ":" in target else socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.connect((target, port))
        self.again()

    def again(self):
        try:
            self.socket.send(b"hello")
        except OSError:  # as for a ping
            return

    def ready(self, _mask):
        return self.socket.recv(2048).decode("ascii", "replace")


def probe(target, what, number):
    if what == "icmp":
        return Ping(target, number)
    return Datagram(target, *what) if isinstance(what, list) else Connection(target, what)


def begin(probes):
    """Every probe under way, by its place in the list; one without a route is not among them."""
    inside, begun = None, {}
    for index, (client, target, what) in sorted(enumerate(probes), key=lambda item: item[1][0]):
        if client != inside:
            enter(client)
            inside = client
        try:
            begun[index] = probe(target, what, index + 1)
        except OSError:  # no route: nothing will come back
            continue
    return begun


def hear(waiting, key, mask):
    """The answer of the probe whose socket is ready, None if there is none (yet)."""
    probe = key.data[1]
    try:
        answer = probe.ready(mask)
    except OSError:  # refused, or an ICMP error: it does not get there
        waiting.unregister(probe.socket)
        return None
    if answer is None:
        waiting.modify(probe.socket, probe.wants, key.data)
    else:
        waiting.unregister(probe.socket)
    return answer


def main():
    asked = json.load(sys.stdin)
    answers = [None] * len(asked["probes"])
    waiting = selectors.DefaultSelector()
    for index, begun in begin(asked["probes"]).items():
        waiting.register(begun.socket, begun.wants, (index, begun))
    end = time.monotonic() + asked["wait"]
    repeat = time.monotonic() + AGAIN
    while waiting.get_map() and time.monotonic() < end:
        for key, mask in waiting.select(timeout=0.05):
            answers[key.data[0]] = hear(waiting, key, mask)
            end = time.monotonic() + asked["wait"]
        if time.monotonic() > repeat:
            repeat += AGAIN
            for key in list(waiting.get_map().values()):
                key.data[1].again()
    json.dump(answers, sys.stdout)


main()
