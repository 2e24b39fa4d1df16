# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Secrets on their way from host to host: only the host whose certificate they were sealed to can open them, so that
the controller carries nothing that it could read.

CMS AuthEnvelopedData (RFC 5083) by openssl(1) 3.0: P-256 key agreement, AES-256-GCM. It says who can read a text, and
that nobody changed it, not who wrote it: what comes out is checked by whoever opens it.
"""

from __future__ import annotations

from base64 import b64decode, b64encode

from ...model.errors import KernelError
from ..programs import run_bytes
from . import certificates

SEAL_ROOT = "/var/lib/weft/seal"
_NAME = "weft.overlay"


def certificate(root: str = SEAL_ROOT) -> str:
    """This host's certificate as PEM text, made with its key where there is none. Raises KernelError."""
    return certificates.make(_path(root), _NAME, "what was sealed for this host is then sealed anew")


def kept_certificate(root: str = SEAL_ROOT) -> str:
    """The same without making one; "" where there is none that is whole. No process is started."""
    return certificates.kept(_path(root))


def seal(data: bytes, recipient: str) -> str:
    """`data` as base64 text that only the host with the certificate `recipient` (PEM) can open."""
    # Needed by few runs, and slow to import.
    from tempfile import NamedTemporaryFile

    if not certificates.is_certificate(recipient):
        raise KernelError("sealing", "what should be the recipient's certificate is none")
    with NamedTemporaryFile("w", suffix=".pem") as file:
        file.write(recipient)
        file.flush()
        command = ["openssl", "cms", "-encrypt", "-binary", "-outform", "DER", "-aes-256-gcm"]
        command += ["-recip", file.name, "-keyopt", "ecdh_kdf_md:sha256"]
        return b64encode(run_bytes("sealing", command, data)).decode()


def open_(text: str, root: str = SEAL_ROOT) -> bytes:
    """What was sealed to this host's certificate. Raises KernelError where it was not, or was changed since."""
    subject = "sealed text"
    if not kept_certificate(root):
        raise KernelError(subject, "this host has no certificate, so nothing was sealed for it; run the playbook again")
    try:
        data = b64decode(text, validate=True)
    except ValueError as error:
        raise KernelError(subject, "it is damaged: it is no base64") from error
    path = _path(root)
    command = ["openssl", "cms", "-decrypt", "-binary", "-inform", "DER", "-inkey", path, "-recip", path]
    try:
        return run_bytes(subject, command, data)
    except KernelError as error:
        if "not installed" in error.reason:
            raise
        reason = "it cannot be opened here: it is damaged, or was sealed for a certificate that this host no longer has"
        raise KernelError(subject, reason) from error


def _path(root: str) -> str:
    return f"{root}/seal.pem"
