"""Runs in a VPN client: asks lab/agents/echo.py for a while, from one and the same port.

argv: TCP or UDP, target, its port, own port, seconds. stdout: first an empty line, when it has begun; then JSON:
{"asked": n, "answered": n, "seen": [addresses that the target saw]}. TCP is one connection: asked and answered are
blocks, each with what it should hold.
"""

import hashlib
import json
import socket
import sys
import time

BLOCK = 65536  # lab/agents/echo.py
PACE = 0.05


def main(protocol, target, port, own, seconds):
    family = socket.AF_INET6 if ":" in target else socket.AF_INET
    kind = socket.SOCK_STREAM if protocol == "TCP" else socket.SOCK_DGRAM
    talk = socket.socket(family, kind)
    talk.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    talk.bind(("", int(own)))
    talk.settimeout(2)
    talk.connect((target, int(port)))
    print(flush=True)
    told = stream(talk, float(seconds)) if protocol == "TCP" else datagrams(talk, float(seconds))
    print(json.dumps(told))


def stream(talk, seconds):
    blocks = max(2, int(seconds * 2))
    talk.sendall(b"SEND %d %d\n" % (blocks, BLOCK * 2))
    content = talk.makefile("rb")
    right = [content.read(BLOCK) == hashlib.sha256(b"%d" % number).digest() * (BLOCK // 32) for number in range(blocks)]
    return {"asked": blocks, "answered": sum(right), "seen": []}


def datagrams(talk, seconds):
    asked, answered, seen = 0, 0, set()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        talk.send(b"hello")
        asked += 1
        try:
            seen.add(talk.recv(100).decode())
            answered += 1
        except OSError:  # nothing came, or an error did; the account says how often
            continue
        time.sleep(PACE)
    return {"asked": asked, "answered": answered, "seen": sorted(seen)}


main(*sys.argv[1:])
