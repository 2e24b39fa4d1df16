# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What is sealed to a host is read by that host alone, and by nobody once a bit of it has changed."""

from __future__ import annotations

import base64
import os
import stat
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.kernel.keys import sealing
from ansible_collections.weft.overlay.plugins.module_utils.model.errors import KernelError

SECRET = b"\x00\x01 not text: \xff\xfe \r\n" + os.urandom(64)


@pytest.fixture
def root(tmp_path: Path) -> str:
    return str(tmp_path / "seal")


def test_a_certificate_is_made_once_for_a_key_that_only_root_reads(root: str) -> None:
    assert sealing.kept_certificate(root) == ""
    made = sealing.certificate(root)
    assert sealing.certificate(root) == sealing.kept_certificate(root) == made
    assert stat.S_IMODE(os.stat(root).st_mode) == 0o700
    assert stat.S_IMODE(os.stat(f"{root}/seal.pem").st_mode) == 0o600
    assert "PRIVATE" not in made
    told = subprocess.run(
        ["openssl", "x509", "-noout", "-text"], input=made, capture_output=True, text=True, check=True
    )
    assert "ASN1 OID: prime256v1" in told.stdout


def test_whatever_was_sealed_comes_out_as_it_went_in(root: str) -> None:
    for data in (b"", b"\n", SECRET, os.urandom(3_000_000)):
        assert sealing.open_(sealing.seal(data, sealing.certificate(root)), root) == data


def test_the_sealed_text_is_authenticated_and_another_one_each_time(root: str) -> None:
    texts = {sealing.seal(SECRET, sealing.certificate(root)) for _ in range(2)}
    assert len(texts) == 2
    command = ["openssl", "cms", "-cmsout", "-print", "-inform", "DER"]
    shown = subprocess.run(command, input=base64.b64decode(texts.pop()), capture_output=True, check=True).stdout
    assert b"authEnvelopedData" in shown
    assert b"aes-256-gcm" in shown
    assert SECRET[-64:-48].hex(" ").encode() not in shown


def test_another_host_cannot_open_it(root: str, tmp_path: Path) -> None:
    text = sealing.seal(SECRET, sealing.certificate(root))
    other = str(tmp_path / "other")
    with pytest.raises(KernelError, match="has no certificate"):
        sealing.open_(text, other)
    sealing.certificate(other)
    with pytest.raises(KernelError, match="cannot be opened here"):
        sealing.open_(text, other)


def test_one_changed_bit_anywhere_in_what_is_encrypted_is_noticed(root: str) -> None:
    text = sealing.seal(SECRET, sealing.certificate(root))
    data = bytearray(base64.b64decode(text))
    # From the end: the tag, then the encrypted content.
    for place in range(len(data) - 1, len(data) - 60, -4):
        data[place] ^= 1
        with pytest.raises(KernelError, match="damaged"):
            sealing.open_(base64.b64encode(data).decode(), root)
        data[place] ^= 1
    assert sealing.open_(base64.b64encode(data).decode(), root) == SECRET


@pytest.mark.parametrize("cut", [0, 1, 100, -1])
def test_what_was_cut_off_is_noticed(root: str, cut: int) -> None:
    data = base64.b64decode(sealing.seal(SECRET, sealing.certificate(root)))
    with pytest.raises(KernelError, match="damaged"):
        sealing.open_(base64.b64encode(data[:cut]).decode(), root)


def test_what_is_no_sealed_text_is_told(root: str) -> None:
    sealing.certificate(root)
    with pytest.raises(KernelError, match="no base64"):
        sealing.open_("{{ secret }}", root)


def test_only_a_certificate_is_sealed_to(root: str) -> None:
    made = sealing.certificate(root)
    for wrong in ("", made + made, "-in /etc/shadow", made.replace("CERTIFICATE", "PRIVATE KEY")):
        with pytest.raises(KernelError, match="certificate is none"):
            sealing.seal(SECRET, wrong)
    with pytest.raises(KernelError, match="openssl"):
        sealing.seal(SECRET, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")


def test_a_damaged_key_is_not_replaced_behind_the_back_of_what_was_sealed_to_it(root: str) -> None:
    sealing.certificate(root)
    path = Path(root, "seal.pem")
    data = bytearray(path.read_bytes())
    data[80] ^= 1
    path.write_bytes(data)
    assert sealing.kept_certificate(root) == ""
    with pytest.raises(KernelError, match=r"seal\.pem is damaged; restore it, or remove it"):
        sealing.certificate(root)


@pytest.fixture
def watched() -> Iterator[set[bytes]]:
    """Command lines of all processes that ran meanwhile, as often as they can be read."""
    seen: set[bytes] = set()
    done = threading.Event()

    def watch() -> None:
        while not done.is_set():
            for process in filter(str.isdigit, os.listdir("/proc")):
                try:
                    seen.add(Path("/proc", process, "cmdline").read_bytes())
                except (FileNotFoundError, ProcessLookupError):
                    continue

    thread = threading.Thread(target=watch)
    thread.start()
    yield seen
    done.set()
    thread.join()


def test_neither_a_key_nor_the_secret_is_on_a_command_line_or_in_a_temporary_file(
    root: str, watched: set[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    secret = base64.b64encode(os.urandom(48))
    for _ in range(5):
        sealing.open_(sealing.seal(secret, sealing.certificate(root)), root)
    ran = [line for line in watched if line.startswith((b"/usr/bin/openssl", b"openssl"))]
    assert ran, "openssl was never seen running"
    assert not any(secret in line or b"PRIVATE" in line for line in watched)
    assert [path.name for path in tmp_path.iterdir()] == ["seal"]
