# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Files of clients for version control: encrypted, complete, and nowhere else on the controller."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from base64 import b64encode
from pathlib import Path

from tests.integration.roles.sites import SECRETS, Site

PASSWORD = "correct horse battery staple"  # noqa: S105  # of this test
VAULT = Path(sys.executable).with_name("ansible-vault")


def export(site: Site, *options: str) -> subprocess.CompletedProcess[str]:
    password = site.folder.parent / "password"
    password.write_text(PASSWORD)
    folder = ("-e", f"folder={site.folder}/clients")
    return site.playbook("playbooks/export.yml", "--vault-password-file", str(password), *folder, *options)


def test_what_is_exported_is_the_conf_encrypted_and_the_second_time_nothing_changes(built: Site) -> None:
    run = export(built, "-vvvv", "--diff")
    assert run.returncode == 0, run.stdout
    files = {path.name: path for path in (built.folder / "clients").iterdir()}
    assert set(files) == {"phone.conf.vault", "laptop.conf.vault", "desk.conf.vault"}
    for name, path in files.items():
        client = name.removesuffix(".conf.vault")
        machine = built.nas if client == "desk" else built.router
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert path.read_bytes().startswith(b"$ANSIBLE_VAULT;")
        view = [str(VAULT), "view", "--vault-password-file", str(built.folder.parent / "password"), str(path)]
        shown = subprocess.run(view, capture_output=True, check=True, env={**os.environ, "PAGER": "cat"}).stdout
        assert shown.strip() == machine.files("/var/lib/weft/clients")[f"{client}/{client}.conf"].strip()
    left = [path.read_text(errors="replace") for path in built.folder.rglob("*") if path.is_file()]
    told = "".join([run.stdout, run.stderr, *left])
    secrets = [key for machine in (built.router, built.nas) for key in machine.call(SECRETS)]
    pieces = [b64encode(secret[first : first + 39].encode()).decode() for secret in secrets for first in (0, 1, 2)]
    assert not [text for text in (*secrets, *pieces) if text in told]
    before = {path: path.read_bytes() for path in files.values()}
    again = export(built)
    assert "changed=1" not in again.stdout
    assert {path: path.read_bytes() for path in before} == before


def test_only_those_asked_for_are_exported_and_a_name_that_nobody_has_is_told(built: Site) -> None:
    assert export(built, "-e", "clients=phone,desk").returncode == 0
    assert {path.name for path in (built.folder / "clients").iterdir()} == {"phone.conf.vault", "desk.conf.vault"}
    run = export(built, "-e", "clients=phone,nobody")
    assert run.returncode == 2
    assert "No server of this run keeps a configuration of nobody" in run.stdout


def test_without_a_password_nothing_leaves_the_server(built: Site) -> None:
    run = built.playbook("playbooks/export.yml", "-e", f"folder={built.folder}/clients")
    assert run.returncode == 2
    assert "there is no vault password to encrypt with; give --ask-vault-pass or --vault-id" in run.stdout
    assert not (built.folder / "clients").exists()
