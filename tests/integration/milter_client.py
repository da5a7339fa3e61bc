# SPDX-License-Identifier: BSD-2-Clause
"""The MTA's side of the milter protocol (version 6), for what miltertest(8) cannot play.

    with MilterClient(milter.path()) as mta:
        mta.connect()
        mta.envelope("<a@b.example>", ["<tls@example.org>"])
        mta.data()                        -> b"c"
        edits, answer = mta.message(mail) -> [(b"i", b"...")], b"a"
"""

import socket
import struct

ADDHDRS, CHGHDRS, QUARANTINE, SETSYMLIST = 0x1, 0x10, 0x20, 0x100
ALL_ACTIONS = 0x1FF
NR_HDR, SKIP, NR_CONN, NR_MAIL, NR_RCPT, HDR_LEADSPC = (
    0x80, 0x400, 0x1000, 0x4000, 0x8000, 0x100000)
ALL_STEPS = 0x1FFFFF

ACCEPT, CONTINUE, DISCARD, REJECT, TEMPFAIL, REPLY_CODE, SKIP_BODY = (
    b"a", b"c", b"d", b"r", b"t", b"y", b"s")
QUARANTINED, INSERT_HEADER, CHANGE_HEADER = b"q", b"i", b"m"
EDITS = (QUARANTINED, INSERT_HEADER, CHANGE_HEADER, b"h", b"b", b"e", b"+", b"-", b"2")


class MilterClient:
    """One connection of an MTA that offers these actions and steps."""

    def __init__(self, path, actions=ALL_ACTIONS, steps=ALL_STEPS, timeout=60):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(timeout)
        self.socket.connect(path)
        self.input = self.socket.makefile("rb")
        self.send(b"O", struct.pack(">III", 6, actions, steps))
        command, data = self.receive()
        assert command == b"O", command
        _, self.actions, self.steps = struct.unpack(">III", data[:12])
        self.macros_wanted = data[12:]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.input.close()
        self.socket.close()

    def send(self, command, data=b""):
        self.socket.sendall(struct.pack(">I", len(data) + 1) + command + data)

    def receive(self):
        length = self.input.read(4)
        if len(length) < 4:
            raise ConnectionError("the filter has closed the connection")
        packet = self.input.read(struct.unpack(">I", length)[0])
        return packet[:1], packet[1:]

    def answer(self, unless=0):
        """The filter's answer, or CONTINUE at once if it said that it gives none at this step."""
        return CONTINUE if self.steps & unless else self.receive()[0]

    def macros(self, stage, **values):
        self.send(b"D", stage + b"".join(
            f"{name}\0{value}\0".encode() for name, value in values.items()))

    def connect(self, host="client.test", address="198.51.100.1"):
        self.macros(b"C", j="mx.example.org")
        self.send(b"C", host.encode() + b"\0004" + struct.pack(">H", 25) + address.encode() + b"\0")
        return self.answer(NR_CONN)

    def envelope(self, sender, recipients):
        self.send(b"M", sender.encode() + b"\0")
        self.answer(NR_MAIL)
        for recipient in recipients:
            self.send(b"R", recipient.encode() + b"\0")
            self.answer(NR_RCPT)

    def data(self, queue_id="QUEUEID"):
        self.macros(b"T", i=queue_id)
        self.send(b"T")
        return self.answer()

    def header(self, name, value):
        """The value with the blank behind the colon, as with HDR_LEADSPC."""
        if not self.steps & HDR_LEADSPC and value[:1] == b" ":
            value = value[1:]
        self.send(b"L", name + b"\0" + value + b"\0")
        self.answer(NR_HDR)

    def headers(self, message):
        head = message[:message.index(b"\r\n\r\n") + 2]
        head = head.replace(b"\r\n\t", b"\n\t").replace(b"\r\n ", b"\n ")
        for line in head.split(b"\r\n")[:-1]:
            name, _, value = line.partition(b":")
            self.header(name, value)
        self.send(b"N")
        return self.answer()

    def body(self, message):
        body = message[message.index(b"\r\n\r\n") + 4:]
        for at in range(0, len(body), 65535):
            self.send(b"B", body[at:at + 65535])
            if self.answer() == SKIP_BODY:
                return

    def end(self):
        """What the filter changes, and its answer."""
        self.send(b"E")
        edits = []
        while True:
            command, data = self.receive()
            if command not in EDITS:
                return edits, command + data.split(b"\0")[0]
            edits.append((command, data))

    def message(self, message):
        """Header, body and end. A filter that accepts at the end of the header gets no more."""
        answer = self.headers(message)
        if answer != CONTINUE:
            return [], answer
        self.body(message)
        return self.end()

    def abort(self):
        self.send(b"A")

    def quit_keeping_connection(self):
        self.send(b"K")
