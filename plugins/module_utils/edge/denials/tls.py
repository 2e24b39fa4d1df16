# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""TLS 1.3 between hosts that know each other's certificates byte by byte, and trust nobody else's word."""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Iterable

from ...kernel.keys.certificates import AUDIT_KEY
from ...model.errors import KernelError
from ...model.sending import CERTIFICATE

# X509_V_FLAG_NO_CHECK_TIME of OpenSSL: a host whose clock is wrong at boot is not to lose its say; that a certificate
# is known decides.
_NO_CHECK_TIME = 0x200000

# Whoever is silent for so long, and does not answer the kernel's questions either, is gone: seconds.
_IDLE, _BETWEEN, _QUESTIONS = 60, 20, 3


def listening(certificates: Iterable[str], key: str = AUDIT_KEY) -> ssl.SSLContext:
    """For who is called by those with these certificates (PEM). Raises KernelError."""
    return _context(ssl.PROTOCOL_TLS_SERVER, certificates, key)


def calling(certificate: str, key: str = AUDIT_KEY) -> ssl.SSLContext:
    """For who calls the one with this certificate (PEM). Raises KernelError."""
    return _context(ssl.PROTOCOL_TLS_CLIENT, [certificate], key)


def is_known(certificate: str) -> bool:
    """Whether it is one: plans that were made before there was any have none."""
    return re.fullmatch(CERTIFICATE, certificate) is not None


def presented(stream: ssl.SSLSocket) -> bytes:
    """The certificate (DER) that the other side has the key of."""
    return stream.getpeercert(binary_form=True) or b""


def der(certificate: str) -> bytes:
    return ssl.PEM_cert_to_DER_cert(certificate)


def watched(stream: socket.socket) -> None:
    """Have the kernel find out when the other side is gone without a word."""
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in (
        (socket.TCP_KEEPIDLE, _IDLE),
        (socket.TCP_KEEPINTVL, _BETWEEN),
        (socket.TCP_KEEPCNT, _QUESTIONS),
    ):
        stream.setsockopt(socket.IPPROTO_TCP, option, value)


def _context(protocol: int, certificates: Iterable[str], key: str) -> ssl.SSLContext:
    context = ssl.SSLContext(protocol)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_REQUIRED
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.verify_flags |= _NO_CHECK_TIME
    if protocol == ssl.PROTOCOL_TLS_SERVER:
        # Nobody comes back without showing the certificate again.
        context.num_tickets = 0
    try:
        context.load_cert_chain(key)
        context.load_verify_locations(cadata="".join(certificates))
    except (OSError, ValueError) as error:
        said = f"{error.strerror or error}" if isinstance(error, OSError) else str(error)
        raise KernelError(f"key {key}", f"{said}; the next run of the playbook makes one that is missing") from error
    return context
