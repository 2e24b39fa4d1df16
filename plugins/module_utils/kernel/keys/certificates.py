# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Private keys of this host with self-signed certificates, each for one purpose: P-256, by openssl(1).

Key and certificate are in one file of root's alone, so that two that do not belong together never lie there. Whoever
trusts one knows it byte by byte; its names and dates mean nothing to us.
"""

from __future__ import annotations

import os
import re

from ...model.errors import KernelError
from ...model.sending import AUDIT_KEY_FOLDER, CERTIFICATE
from .. import atomic, checksum
from ..programs import run

AUDIT_KEY = f"{AUDIT_KEY_FOLDER}/audit.pem"
_DAYS = "36500"
_CERTIFICATE = re.compile(CERTIFICATE)


def is_certificate(text: str) -> bool:
    """Whether it is one certificate and nothing else, as PEM text."""
    return _CERTIFICATE.fullmatch(text) is not None


def make(path: str, name: str, lost: str) -> str:
    """The certificate as PEM text, made with its key where there is none. name: of its subject. lost: what becomes of
    it when one that is damaged is removed. Raises KernelError."""
    found = kept(path)
    if found:
        return found
    if os.path.lexists(path):
        raise KernelError("certificate", f"{path} is damaged; restore it, or remove it: {lost}")
    key = run("certificate", ["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"])
    command = ["openssl", "x509", "-new", "-subj", f"/CN={name}", "-signkey", "/dev/stdin", "-days", _DAYS]
    made = run("certificate", command, key)
    folder = os.path.dirname(path)
    try:
        atomic.folder(folder)
        atomic.write(path, checksum.add(key + made).encode())
        atomic.settle(folder)
    except OSError as error:
        raise KernelError("certificate", f"{path}: {error.strerror}") from error
    return kept(path)


def kept(path: str) -> str:
    """The same without making one; "" where there is none that is whole. No process is started."""
    text = checksum.strip((atomic.read(path) or b"").decode(errors="replace"))
    found = _CERTIFICATE.search(text or "")
    return found[0] if found else ""


def make_audit(path: str = AUDIT_KEY) -> str:
    """What this host sends or collects denials with. Raises KernelError."""
    # TLS finds a certificate among those that it trusts by its subject: no two have the same.
    return make(path, f"weft-audit-{os.urandom(8).hex()}", "the next run makes another, and tells all others of it")
