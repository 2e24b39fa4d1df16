# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Secrets on their way from host to host: only the host whose certificate they were sealed to can open them, so that
the controller carries nothing that it could read.

CMS AuthEnvelopedData (RFC 5083) by openssl(1) 3.0: P-256 key agreement, AES-256-GCM. It says who can read a text, and
that nobody changed it, not who wrote it: what comes out is checked by whoever opens it.
"""

from __future__ import annotations

import os
import re
from base64 import b64decode, b64encode

from ..model.errors import KernelError
from . import atomic, checksum
from .programs import run, run_bytes

SEAL_ROOT = "/var/lib/weft/seal"
_SUBJECT = "/CN=weft.overlay"
# What is sealed to it is kept for as long as the host is; its dates mean nothing to us.
_DAYS = "36500"
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----\n[A-Za-z0-9+/=\n]+-----END CERTIFICATE-----\n")


def certificate(root: str = SEAL_ROOT) -> str:
    """This host's certificate as PEM text, made with its key where there is none. Raises KernelError."""
    kept = kept_certificate(root)
    if kept:
        return kept
    path = _path(root)
    if os.path.lexists(path):
        reason = f"{path} is damaged; restore it, or remove it: what was sealed for this host is then sealed anew"
        raise KernelError("certificate", reason)
    key = run("certificate", ["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"])
    command = ["openssl", "x509", "-new", "-subj", _SUBJECT, "-signkey", "/dev/stdin", "-days", _DAYS]
    made = run("certificate", command, key)
    try:
        atomic.folder(root)
        # In one file, so that a key and a certificate that do not belong together never lie there.
        atomic.write(path, checksum.add(key + made).encode())
        atomic.settle(root)
    except OSError as error:
        raise KernelError("certificate", f"{path}: {error.strerror}") from error
    return kept_certificate(root)


def kept_certificate(root: str = SEAL_ROOT) -> str:
    """The same without making one; "" where there is none that is whole. No process is started."""
    text = checksum.strip((atomic.read(_path(root)) or b"").decode(errors="replace"))
    found = _CERTIFICATE.search(text or "")
    return found[0] if found else ""


def seal(data: bytes, recipient: str) -> str:
    """`data` as base64 text that only the host with the certificate `recipient` (PEM) can open."""
    # Needed by few runs, and slow to import.
    from tempfile import NamedTemporaryFile

    if not _CERTIFICATE.fullmatch(recipient):
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
