# SPDX-License-Identifier: BSD-2-Clause
"""A name server on a free port of the loopback interface that answers every question for a TXT
record with what a function makes of the name. For tests that need thousands of answers, and no
validation; unbound_server.py is the real thing.

    with TxtServer(lambda name: "v=TLSRPTv1; rua=...") as dns:
        dns.address
"""

import socketserver
import struct
import threading

TXT, IN = 16, 1
RESPONSE = 0x8180  # with recursion


def read_name(query):
    """The name in the question, and where its type begins."""
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1:at + 1 + query[at]].decode("ascii").lower())
        at += 1 + query[at]
    return ".".join(labels), at + 1


class Handler(socketserver.BaseRequestHandler):
    def handle(self):
        query, socket = self.request
        name, end = read_name(query)
        found = struct.unpack("!HH", query[end:end + 4]) == (TXT, IN)
        reply = query[:2] + struct.pack("!5H", RESPONSE, 1, int(found), 0, 0) + query[12:end + 4]
        if found:
            text = self.server.record_of(name).encode("ascii")
            strings = b"".join(bytes([len(text[i:i + 255])]) + text[i:i + 255]
                               for i in range(0, len(text), 255))
            reply += struct.pack("!HHHIH", 0xc00c, TXT, IN, 60, len(strings)) + strings
        socket.sendto(reply, self.client_address)


class TxtServer(socketserver.UDPServer):
    max_packet_size = 4096

    def __init__(self, record_of):
        super().__init__(("127.0.0.1", 0), Handler)
        self.record_of = record_of
        self.thread = threading.Thread(target=self.serve_forever, daemon=True)

    @property
    def address(self):
        return "127.0.0.1:%d" % self.server_address[1]

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *exception):
        self.shutdown()
        self.thread.join()
        self.server_close()
