"""Runs on a host or a client: TCP and UDP, both families, on port 8080 or the one given.

Each connection says one line. `SEND blocks rate`: it is sent that many numbered blocks, at most `rate` bytes a second
(0: as fast as it goes), and then a line of JSON with the retransmissions that it took. Anything else is answered with
the address that the connection came from, and so is every datagram.
"""

import fcntl
import hashlib
import json
import socket
import socketserver
import struct
import sys
import termios
import threading
import time

BLOCK = 65536
SO_MAX_PACING_RATE = 47  # asm-generic/socket.h
TOTAL_RETRANS = 100  # offset in struct tcp_info (linux/tcp.h)


class Echo(socketserver.StreamRequestHandler):
    def handle(self):
        words = self.rfile.readline().split()
        if words[:1] == [b"SEND"]:
            self.send(int(words[1]), int(words[2]))
        else:
            came_from = self.client_address[0].replace("::ffff:", "")
            self.wfile.write(b"HTTP/1.0 200 OK\r\n\r\n" + came_from.encode())

    def send(self, blocks, rate):
        if rate:  # packet by packet, not in bursts that fill somebody's buffer
            self.connection.setsockopt(socket.SOL_SOCKET, SO_MAX_PACING_RATE, rate)
        for number in range(blocks):
            self.wfile.write(hashlib.sha256(b"%d" % number).digest() * (BLOCK // 32))
        while struct.unpack("i", fcntl.ioctl(self.connection, termios.TIOCOUTQ, b"\0" * 4))[0]:
            time.sleep(0.01)
        info = self.connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, TOTAL_RETRANS + 4)
        told = {"retransmitted": struct.unpack_from("I", info, TOTAL_RETRANS)[0]}
        self.wfile.write(json.dumps(told).encode() + b"\n")


class Server(socketserver.ThreadingTCPServer):
    address_family = socket.AF_INET6
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 512  # every client of a truth table knocks at once


class Datagram(socketserver.BaseRequestHandler):
    def handle(self):
        self.request[1].sendto(self.client_address[0].replace("::ffff:", "").encode(), self.client_address)


class Datagrams(socketserver.UDPServer):
    address_family = socket.AF_INET6


PORT = int(sys.argv[1]) if len(sys.argv) > 1 else 8080
threading.Thread(target=Datagrams(("::", PORT), Datagram).serve_forever, daemon=True).start()
Server(("::", PORT), Echo).serve_forever()
