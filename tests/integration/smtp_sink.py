# SPDX-License-Identifier: BSD-2-Clause
"""A small SMTP server on a free port of the loopback interface, which does what a test tells it.

    with SmtpSink() as sink:
        sink.script = ["451-data", "accept"]   # one behaviour for each message; the last one stays
        ...
        sink.messages                          # what was accepted
        sink.attempts                          # every message whose data came in, or was refused

Behaviours: accept; 450-rcpt, 550-rcpt (answer to RCPT); 451-data, 554-data (answer after the data);
drop (takes the data and closes without an answer); slow (answers after the data when released, or
never); 554-greeting.

sink.pipelining: whether PIPELINING is offered.

sink.delay: how long, in seconds, the server is busy with each message before it answers.

sink.open: connections that are being served; without any, nothing more can arrive.

sink.tls: an ssl.SSLContext to offer STARTTLS with, "broken" to offer it and then talk nonsense, or
"hasty" to do so without waiting for the client.
"""

import socketserver
import threading
import time
from dataclasses import dataclass


@dataclass
class Message:
    helo: str
    sender: str
    recipient: str
    data: bytes  # dots unstuffed, CRLF line ends
    mail_line: str
    tls: bool = False


class Handler(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True  # several replies to one write of the client
    timeout = 60

    def say(self, text):
        self.wfile.write(text.encode() + b"\r\n")

    def handle(self):
        try:
            self.talk()
        except (OSError, ValueError):
            pass  # the client went away
        finally:
            self.request.close()  # if TLS was begun, not the socket that the server knows

    def talk(self):
        sink = self.server.sink
        sink.connections += 1
        if sink.behaviour() == "554-greeting":
            sink.next_behaviour()
            self.say("554 5.3.2 no service")
            return
        self.say("220 sink.example ESMTP")
        helo = sender = recipient = mail_line = ""
        tls = False
        while True:
            line = self.rfile.readline(4096)
            if not line:
                return
            text = line.decode("ascii").rstrip("\r\n")
            verb = text.upper()
            sink.commands.append(text)
            if verb.startswith("EHLO"):
                helo = text[5:]
                self.say("250-sink.example")
                self.say("250-SIZE 20000000")
                if sink.pipelining:
                    self.say("250-PIPELINING")
                if sink.tls and not tls:
                    self.say("250-STARTTLS")
                # What a client could ask for, to see that it does not.
                for extension in ("8BITMIME", "SMTPUTF8", "DSN"):
                    self.say(f"250-{extension}")
                self.say("250 REQUIRETLS")
            elif verb == "STARTTLS":
                if sink.tls == "hasty":
                    self.say("220 go ahead\r\n500 this is no TLS")
                    return
                self.say("220 go ahead")
                if sink.tls == "broken":
                    self.request.recv(1)  # the client has begun
                    self.say("500 this is no TLS")
                    return
                self.request = sink.tls.wrap_socket(self.request, server_side=True)
                self.rfile = self.request.makefile("rb")
                self.wfile = self.request.makefile("wb", 0)
                tls = True
            elif verb.startswith("MAIL FROM:"):
                mail_line = text
                sender = text[10:].split(">")[0].lstrip("<")
                self.say("250 2.1.0 Ok")
            elif verb.startswith("RCPT TO:"):
                recipient = text[8:].split(">")[0].lstrip("<")
                if sink.behaviour() in ("450-rcpt", "550-rcpt"):
                    code = sink.next_behaviour()[:3]
                    sink.attempts.append(Message(helo, sender, recipient, b"", mail_line))
                    self.say(f"{code} {code[0]}.1.1 <{recipient}>: as the test wants it")
                    recipient = ""
                else:
                    self.say("250 2.1.5 Ok")
            elif verb == "DATA" and not recipient:
                self.say("554 5.5.1 no valid recipients")
            elif verb == "DATA":
                self.say("354 go on")
                message = Message(helo, sender, recipient, self.read_data(), mail_line, tls)
                recipient = ""
                if not self.answer(message):
                    return
            elif verb == "QUIT":
                self.say("221 bye")
                return
            else:
                self.say("250 Ok")

    def read_data(self):
        lines = []
        while True:
            line = self.rfile.readline(1 << 20)
            if not line:
                raise ValueError("connection closed in data")
            if line == b".\r\n":
                return b"".join(lines)
            lines.append(line[1:] if line.startswith(b".") else line)

    def answer(self, message):
        """False: close the connection."""
        sink = self.server.sink
        behaviour = sink.next_behaviour()
        time.sleep(sink.delay)
        sink.attempts.append(message)
        sink.arrived.set()
        if behaviour == "drop":
            return False
        if behaviour == "slow":
            sink.released.wait(60)
        if behaviour in ("451-data", "554-data"):
            self.say(f"{behaviour[:3]} {behaviour[0]}.3.0 as the test wants it")
            return True
        self.say("250 2.0.0 Ok: queued")
        sink.messages.append(message)
        return True


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def process_request(self, request, client_address):
        self.count(1)
        super().process_request(request, client_address)

    def shutdown_request(self, request):
        super().shutdown_request(request)
        self.count(-1)

    def count(self, change):
        with self.sink.lock:
            self.sink.open += change


class SmtpSink:
    def __init__(self, host="127.0.0.1", port=0):
        self.script = ["accept"]
        self.messages = []
        self.attempts = []
        self.commands = []
        self.connections = 0
        self.open = 0
        self.delay = 0
        self.tls = None
        self.pipelining = True
        self.arrived = threading.Event()
        self.released = threading.Event()
        self.lock = threading.Lock()
        self.server = Server((host, port), Handler)
        self.server.sink = self
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)

    @property
    def address(self):
        return "%s:%d" % self.server.server_address

    def behaviour(self):
        return self.script[0]

    def next_behaviour(self):
        with self.lock:
            return self.script.pop(0) if len(self.script) > 1 else self.script[0]

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *exception):
        self.released.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
