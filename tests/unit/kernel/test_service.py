# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The word that a service leaves of itself."""

from __future__ import annotations

import socket
import subprocess

from ansible_collections.weft.overlay.plugins.module_utils.kernel.service import announce, observe
from ansible_collections.weft.overlay.plugins.module_utils.model.stored import AUDIT_UNIT, WATCH_UNIT, Service


def test_a_service_at_work_is_seen_with_its_program_and_systemd_is_told(tmp_path, monkeypatch):
    address = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(address)
        monkeypatch.setenv("NOTIFY_SOCKET", address)
        announce(WATCH_UNIT.name, "d1", {WATCH_UNIT.name: str(tmp_path / "run" / "watch")})
        assert systemd.recv(100) == b"READY=1"
    assert observe({WATCH_UNIT.name: str(tmp_path / "run" / "watch"), AUDIT_UNIT.name: str(tmp_path / "none")}) == {
        WATCH_UNIT.name: Service(WATCH_UNIT.name, "d1")
    }


def test_one_that_has_ended_is_not_seen(tmp_path):
    with subprocess.Popen(["true"]) as gone:
        gone.wait()
    state = tmp_path / "watch"
    state.write_text(f"{gone.pid} d1\n", encoding="utf-8")
    assert observe({WATCH_UNIT.name: str(state)}) == {}


def test_no_word_and_half_a_word_are_no_service(tmp_path):
    assert observe({WATCH_UNIT.name: str(tmp_path / "none")}) == {}
    (tmp_path / "half").write_text("47", encoding="utf-8")
    assert observe({WATCH_UNIT.name: str(tmp_path / "half")}) == {}
