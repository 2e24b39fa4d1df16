"""Runs in a client: fetches numbered blocks from lab/agents/echo.py and compares every byte.

argv: target address, blocks, bytes per second (0: no limit). stdout: a line of JSON when the connection stands, and one
at the end: bytes, seconds, whether all were right, retransmissions of the sender, and the segment size of the
connection in bytes.
"""

import hashlib
import json
import socket
import sys
import time

BLOCK = 65536


def main():
    target, blocks, rate = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    with socket.create_connection((target, 8080), timeout=30) as connection:
        stream = connection.makefile("rb")
        connection.sendall(f"SEND {blocks} {rate}\n".encode())
        print(json.dumps({"began": time.time()}), flush=True)
        began, whole = time.monotonic(), True
        for number in range(blocks):
            block = stream.read(BLOCK)
            whole = whole and block == hashlib.sha256(b"%d" % number).digest() * (BLOCK // 32)
        took = time.monotonic() - began
        told = json.loads(stream.readline())
        segment = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG)
    print(json.dumps({"bytes": blocks * BLOCK, "seconds": took, "whole": whole, "segment": segment, **told}))


main()
