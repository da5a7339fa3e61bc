# SPDX-License-Identifier: BSD-2-Clause
"""How tests speak SMTP to the mail server under test: every byte of a message is theirs."""

import smtplib


def dot_stuffed(message):
    """A message (CRLF line ends) as it follows DATA, with the final dot."""
    stuffed = message.replace(b"\r\n.", b"\r\n..")
    if stuffed.startswith(b"."):
        stuffed = b"." + stuffed
    if not stuffed.endswith(b"\r\n"):
        stuffed += b"\r\n"
    return stuffed + b".\r\n"


def without_trace(mail):
    """A delivered mail as it was sent: without the header fields that the server puts in front."""
    trace = (b"return-path", b"x-original-to", b"delivered-to", b"received")
    lines = mail.split(b"\n")
    while lines and lines[0].split(b":", 1)[0].lower() in trace:
        lines.pop(0)
        while lines and lines[0][:1] in (b" ", b"\t"):
            lines.pop(0)
    return b"\n".join(lines)


class SmtpClient:
    """What servers of tests inherit: sending to self.port on 127.0.0.1."""

    port = None

    def connect(self, timeout=60):
        """An smtplib.SMTP; the caller closes it."""
        return smtplib.SMTP("127.0.0.1", self.port, local_hostname="client.test", timeout=timeout)

    def send(self, sender, recipients, message):
        """Sends one message (bytes, CRLF) byte for byte; smtplib's exceptions say what was refused.

        Returns (code, text) of the answer to the message itself.
        """
        with self.connect() as client:
            return self.send_on(client, sender, recipients, message)

    @staticmethod
    def send_on(client, sender, recipients, message):
        """The same on an open connection. Unlike sendmail() it does not touch line ends."""
        client.ehlo_or_helo_if_needed()
        code, text = client.mail(sender, ["BODY=8BITMIME"])
        if code != 250:
            raise smtplib.SMTPSenderRefused(code, text, sender)
        for recipient in recipients:
            code, text = client.rcpt(recipient)
            if code not in (250, 251):
                client.rset()
                raise smtplib.SMTPRecipientsRefused({recipient: (code, text)})
        code, text = client.docmd("DATA")
        if code != 354:
            raise smtplib.SMTPDataError(code, text)
        client.send(dot_stuffed(message))
        code, text = client.getreply()
        if code != 250:
            raise smtplib.SMTPDataError(code, text)
        return code, text
