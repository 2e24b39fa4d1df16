# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Runs in a network namespace. `serve` answers there. `ask` asks, each line of input one question as a JSON list.

`hold <own> <target>` keeps a TCP connection and says for each line of input whether it came back through it.
`stream <own> <target> <seconds>` sends a thousand datagrams a second, and says how many, and how many came back."""

from __future__ import annotations

import errno
import json
import os
import selectors
import socket
import struct
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

SECONDS = 0.5
TRIES = 2
# What a filter may say that refuses aloud.
_REFUSED = {errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EACCES}
PORTS = (53, 7000, 7001, 51820, 51821, 51999)


def serve() -> None:
    """Tell everybody who asks what address it comes from; over TCP also the segment size, and then give all back."""
    selector = selectors.DefaultSelector()
    for port in PORTS:
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            door = socket.socket(socket.AF_INET6, kind)
            door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            door.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
            door.bind(("::", port))
            if kind == socket.SOCK_STREAM:
                door.listen(64)
            selector.register(door, selectors.EVENT_READ)
    print("ready", flush=True)
    while True:
        for key, _events in selector.select():
            found = key.fileobj
            if not isinstance(found, socket.socket):
                raise TypeError(found)
            if found.type == socket.SOCK_DGRAM:
                _echo(found)
            else:
                talk, peer = found.accept()
                threading.Thread(target=_talk, args=(talk, bare(peer[0])), daemon=True).start()


def _echo(door: socket.socket) -> None:
    """From the very address that was asked, whatever link leads back."""
    _data, notes, _flags, peer = door.recvmsg(2000, 200)
    asked = [(level, kind, data[:16] + bytes(4)) for level, kind, data in notes if kind == socket.IPV6_PKTINFO]
    door.sendmsg([bare(peer[0]).encode()], asked, 0, peer)


def _talk(talk: socket.socket, peer: str) -> None:
    # A client that went away in the middle ends a conversation as one that hangs up does.
    with talk, suppress(ConnectionResetError):
        size = talk.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG)
        talk.sendall(f"{peer} {size}\n".encode())
        while data := talk.recv(65536):
            talk.sendall(data)


def bare(address: str) -> str:
    return address.removeprefix("::ffff:")


def ask(kind: str, source: str, target: str, port: int, segment: int) -> str | None:
    """What came back, None: nothing. Of `mss` both segment sizes: the one that the other end may send, and ours."""
    for _try in range(TRIES):
        try:
            return _ping(source, target) if kind == "ping" else _talk_to(kind, source, target, port, segment)
        except (TimeoutError, ConnectionError):
            continue
        except OSError as error:
            if error.errno not in _REFUSED:
                raise
    return None


def _talk_to(kind: str, source: str, target: str, port: int, segment: int) -> str:
    with _door(source, socket.SOCK_DGRAM if kind == "udp" else socket.SOCK_STREAM) as door:
        if segment:
            door.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, segment)
        door.connect((target, port))
        if kind == "udp":
            door.send(b"who am I?")
        peer, *size = door.recv(200).decode().split()
        return peer if kind != "mss" else f"{size[0]} {door.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG)}"


def _door(source: str, kind: socket.SocketKind) -> socket.socket:
    door = socket.socket(socket.AF_INET6 if ":" in source else socket.AF_INET, kind)
    door.settimeout(SECONDS)
    door.bind((source, 0))
    return door


def _ping(source: str, target: str) -> str | None:
    six = ":" in target
    protocol = socket.IPPROTO_ICMPV6 if six else socket.IPPROTO_ICMP
    with socket.socket(socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_RAW, protocol) as door:
        door.settimeout(SECONDS)
        door.bind((source, 0))
        token = os.urandom(8)
        message = struct.pack("!BBH", 128 if six else 8, 0, 0) + token
        if not six:
            total = sum(struct.unpack(f"!{len(message) // 2}H", message))
            total = (total >> 16) + (total & 0xFFFF)
            message = message[:2] + struct.pack("!H", ~(total + (total >> 16)) & 0xFFFF) + message[4:]
        door.sendto(message, (target, 0))
        while True:
            data, peer = door.recvfrom(2000)
            data = data if six else data[(data[0] & 15) * 4 :]
            if data[0] == (129 if six else 0) and data[4:12] == token:
                return str(peer[0])


def hold(source: str, target: str) -> None:
    with _door(source, socket.SOCK_STREAM) as door:
        door.connect((target, 7000))
        door.recv(200)
        print("ready", flush=True)
        for number, _line in enumerate(sys.stdin):
            word = f"word {number};".encode()
            door.sendall(word)
            found = b""
            try:
                # What was held back comes together with it.
                while not found.endswith(word):
                    found += door.recv(65536)
                print("came back", flush=True)
            except TimeoutError:
                print("nothing", flush=True)


def stream(source: str, target: str, seconds: float) -> None:
    with _door(source, socket.SOCK_DGRAM) as door:
        door.connect((target, 7000))
        door.setblocking(False)
        sent, came = 0, 0
        print("ready", flush=True)
        began = time.monotonic()
        while (now := time.monotonic() - began) < seconds + 1:
            if now < seconds and sent < now * 1000:
                door.send(b"x")
                sent += 1
            try:
                door.recv(200)
                came += 1
            except BlockingIOError:
                time.sleep(0.0002)
        print(sent, came, flush=True)


if __name__ == "__main__":
    what, *words = sys.argv[1:]
    if what == "serve":
        serve()
    elif what == "hold":
        hold(*words)
    elif what == "stream":
        stream(words[0], words[1], float(words[2]))
    else:
        with ThreadPoolExecutor(64) as pool:
            json.dump(list(pool.map(lambda line: ask(*json.loads(line)), sys.stdin)), sys.stdout)
