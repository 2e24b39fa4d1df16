# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The key that denials are sent with is made once, on its host, and only its certificate is told."""

from __future__ import annotations

import re
import ssl
import subprocess

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.kernel.keys.certificates import kept, make_audit
from ansible_collections.weft.overlay.plugins.module_utils.model.errors import KernelError
from ansible_collections.weft.overlay.plugins.module_utils.model.sending import CERTIFICATE


def test_it_is_made_once_and_for_root_alone(tmp_path):
    path = tmp_path / "audit-key" / "audit.pem"
    assert kept(str(path)) == ""
    made = make_audit(str(path))
    assert re.fullmatch(CERTIFICATE, made)
    assert make_audit(str(path)) == kept(str(path)) == made
    assert (path.parent.stat().st_mode & 0o7777, path.stat().st_mode & 0o7777) == (0o700, 0o600)
    assert "PRIVATE KEY" in path.read_text(encoding="ascii")
    assert "PRIVATE KEY" not in made
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)


def test_no_two_have_the_same_subject(tmp_path):
    """TLS finds what it trusts by that."""
    made = [make_audit(str(tmp_path / f"{number}.pem")) for number in range(3)]
    command = ["openssl", "x509", "-noout", "-subject"]
    subjects = {subprocess.run(command, input=pem, capture_output=True, text=True, check=True).stdout for pem in made}
    assert len(subjects) == 3


def test_a_damaged_one_is_not_replaced_behind_its_owners_back(tmp_path):
    path = tmp_path / "audit.pem"
    make_audit(str(path))
    path.write_text(path.read_text(encoding="ascii").replace("A", "B", 1), encoding="ascii")
    assert kept(str(path)) == ""
    with pytest.raises(
        KernelError, match=r"audit\.pem is damaged; restore it, or remove it: the next run makes another"
    ):
        make_audit(str(path))
