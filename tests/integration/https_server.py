# SPDX-License-Identifier: BSD-2-Clause
"""An HTTPS server on a free port of the loopback interface that behaves as a test tells it to.

    authority = Authority(folder)
    context = authority.context("r.example", "127.0.0.1")        # also: expired=True, ...
    with HttpsServer(context, {"/ok": answer("200 OK")}) as server:
        post(f"https://127.0.0.1:{server.port}/ok")
        server.requests[0].body, server.connections

A behaviour is called with the connection and the Request, whose body has been read, and writes what
it likes; the connection goes on to the next request unless it returns False or raises OSError. With
None for the context the server speaks no TLS; with SILENT it accepts and says nothing at all.
Paths are looked up without the query; what has no behaviour gets 404. All threads end with the
server.
"""

import socket
import ssl
import struct
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path

SILENT = object()
CA_CONFIGURATION = """
[ca]
default_ca = test
[test]
database = index.txt
serial = serial
new_certs_dir = .
default_md = sha256
policy = names
unique_subject = no
copy_extensions = copy
[names]
commonName = supplied
"""


class Authority:
    """Signs certificates; its own is in the file 'certificate'."""

    def __init__(self, folder):
        self._folder = Path(folder)
        self._count = 0
        self.certificate = self._folder / "authority.pem"
        (self._folder / "ca.cnf").write_text(CA_CONFIGURATION)
        (self._folder / "index.txt").write_text("")
        (self._folder / "serial").write_text("01\n")
        self._openssl("req", "-x509", *self._new_key("authority.key"), "-subj", "/CN=Authority",
                      "-days", "2", "-out", "authority.pem")

    def context(self, *names, expired=False, self_signed=False, subject_only=False):
        """For a server that shows a new certificate with these names and addresses; subject_only:
        with the first as its common name and no others."""
        self._count += 1
        key, request, certificate = (f"{self._count}.{end}" for end in ("key", "csr", "pem"))
        subject = ["-subj", f"/CN={names[0]}"]
        if not subject_only:
            subject += ["-addext", "subjectAltName=" + ",".join(map(self._alternative, names))]
        if self_signed:
            self._openssl("req", "-x509", *self._new_key(key), *subject, "-days", "2",
                          "-out", certificate)
        else:
            self._openssl("req", *self._new_key(key), *subject, "-out", request)
            times = ["-startdate", "20200101000000Z", "-enddate",
                     "20200201000000Z" if expired else "20991231000000Z"]
            self._openssl("ca", "-batch", "-notext", "-config", "ca.cnf", "-cert", "authority.pem",
                          "-keyfile", "authority.key", *times, "-in", request, "-out", certificate)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._folder / certificate, self._folder / key)
        return context

    @staticmethod
    def _alternative(name):
        is_address = ":" in name or name.replace(".", "").isdigit()
        return f"IP:{name}" if is_address else f"DNS:{name}"

    @staticmethod
    def _new_key(path):
        return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", path]

    def _openssl(self, *arguments):
        done = subprocess.run(["openssl", *arguments], cwd=self._folder, capture_output=True,
                              stdin=subprocess.DEVNULL, text=True, timeout=60)
        if done.returncode != 0:
            raise RuntimeError(f"openssl {arguments[0]}: {done.stderr}")


@dataclass
class Request:
    method: str
    target: str
    fields: list  # of pairs, as they came
    body: bytes
    client_certificate: object


def answer(status, *fields, body=b""):
    """A behaviour: the whole answer at once."""
    head = [f"HTTP/1.1 {status}", *fields]
    if not status.startswith("204"):
        head.append(f"Content-Length: {len(body)}")
    octets = "\r\n".join(head).encode() + b"\r\n\r\n" + body
    return lambda connection, request: connection.sendall(octets)


def reset(connection):
    """Ends the TCP connection as a crash does."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


class HttpsServer:
    def __init__(self, context, behaviours=None, address="127.0.0.1", port=0):
        self.requests = []
        self.connections = 0
        self.ended = threading.Event()  # for behaviours that wait
        self._context = context
        self._behaviours = behaviours or {}
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._listener = socket.create_server((address, port), family=family)
        self.port = self._listener.getsockname()[1]
        self._open = set()
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in list(self._open):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.add(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    @property
    def open(self):
        """Connections that are being served; without any, nothing more can arrive."""
        return len(self._open)

    def _serve(self, raw):
        connection = raw
        try:
            if self._context is SILENT:
                self.ended.wait()
                return
            if self._context is not None:
                connection = self._context.wrap_socket(raw, server_side=True)  # takes the descriptor
                self._open.add(connection)
                self._open.discard(raw)
            with connection:
                while self._serve_one(connection):
                    pass
        except OSError:
            pass
        finally:
            raw.close()
            self._open -= {raw, connection}

    def _serve_one(self, connection):
        request = self._read(connection)
        if request is None:
            return False
        self.requests.append(request)
        behaviour = self._behaviours.get(request.target.split("?")[0], answer("404 Not Found"))
        return behaviour(connection, request) is not False

    @staticmethod
    def _read(connection):
        octets = b""
        while b"\r\n\r\n" not in octets:
            piece = connection.recv(65536)
            if not piece:
                return None
            octets += piece
            if not octets[:1].isalpha():  # TLS, to a server without
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                return None
        head, _, body = octets.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        words = lines[0].split(" ")
        if len(words) != 3:
            return None
        fields = [tuple(line.split(": ", 1)) for line in lines[1:]]
        length = int(dict(fields).get("Content-Length", "0"))
        while len(body) < length:
            piece = connection.recv(length - len(body))
            if not piece:
                return None
            body += piece
        certificate = getattr(connection, "getpeercert", lambda: None)()
        return Request(words[0], words[1], fields, body, certificate)
