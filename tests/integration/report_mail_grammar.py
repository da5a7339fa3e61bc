# SPDX-License-Identifier: BSD-2-Clause
"""The grammar of a report mail, written down from the RFCs, and ways to look at and to change the
bytes of a mail."""

import re

LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
DOMAIN_NAME = rf"{LABEL}(?:\.{LABEL})+"  # RFC 6376: of two labels at least
ATEXT = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]"
DOT_ATOM = rf"{ATEXT}+(?:\.{ATEXT}+)*"
FWS = r"[ \t]+"  # once unfolded
SUBJECT = (rf"Report{FWS}Domain:{FWS}(?P<domain>{DOMAIN_NAME}){FWS}"
           rf"Submitter:{FWS}(?P<submitter>{DOMAIN_NAME}){FWS}"
           rf"Report-ID:{FWS}<(?P<left>{DOT_ATOM})@(?P<right>{DOT_ATOM})>")
FILENAME = (rf"(?P<sender>{DOMAIN_NAME})!(?P<domain>{DOMAIN_NAME})!(?P<begin>[0-9]+)!"
            r"(?P<end>[0-9]+)(?:!(?P<unique>[A-Za-z0-9]+))?\.(?P<extension>json\.gz|json)")
DATE = (r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), [0-9]{1,2} "
        r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [0-9]{4} "
        r"[0-9]{2}:[0-9]{2}:[0-9]{2} [+-][0-9]{4}")
BOUNDARY = r"[0-9A-Za-z'()+_,./:=?-]{1,70}"  # RFC 2046, without blanks

# Fields that stand once in a report mail.
SINGLE = ("From", "To", "Date", "Message-ID", "Subject", "MIME-Version", "Content-Type",
          "TLS-Report-Domain", "TLS-Report-Submitter", "TLS-Required", "Auto-Submitted",
          "DKIM-Signature")


def header_fields(data):
    """[(name, raw text of the whole field)] of a message's header."""
    header = data[:data.index(b"\r\n\r\n") + 2].decode("ascii")
    fields = re.findall(r"[^ \t\r\n].*\r\n(?:[ \t].*\r\n)*", header)
    return [(field.split(":", 1)[0], field) for field in fields]


def unfolded(field):
    """The value of a raw field (RFC 5322 section 2.2.3), without the blanks around it."""
    return re.sub(r"\r\n(?=[ \t])", "", field).split(":", 1)[1].strip()


def without_field(data, name):
    for found, field in header_fields(data):
        if found == name:
            return data.replace(field.encode(), b"", 1)
    raise ValueError(name)


def with_second(data, name):
    """The message with another field of that name in front of the header."""
    value = b"x@other.example" if name == "From" else b"other.example"
    return name.encode() + b": " + value + b"\r\n" + data
