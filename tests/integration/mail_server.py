# SPDX-License-Identifier: BSD-2-Clause
"""An MX host at port 25 of its own address, which takes no mail: for a network of the test's own."""

import socket
import threading


class MailServer(threading.Thread):
    """At port 25 of its own address, up to QUIT."""

    def __init__(self, address, context=None, ehlo=None):
        super().__init__(daemon=True)
        self.context = context
        self.ehlo = ehlo or (b"250-mx.example\r\n" + (b"250-STARTTLS\r\n" if context else b"")
                             + b"250 HELP\r\n")
        self.commands = []
        self.listener = socket.create_server((address, 25))
        self.start()

    def run(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        connection.settimeout(20)
        try:
            if self.talk(connection):
                with self.context.wrap_socket(connection, server_side=True) as session:
                    self.talk(session, greeting=b"")
        except (OSError, ValueError):
            pass
        finally:
            connection.close()

    def talk(self, connection, greeting=b"220 mx.example ESMTP\r\n"):
        """True: TLS is to begin."""
        connection.sendall(greeting)
        while True:
            line = connection.recv(1000).decode("ascii", "replace").strip()
            self.commands.append(line)
            if line == "STARTTLS":
                connection.sendall(b"220 go on\r\n")
                return True
            if line.startswith("EHLO"):
                connection.sendall(self.ehlo)
            else:
                connection.sendall(b"221 bye\r\n")
                return False

    def stop(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.join()
