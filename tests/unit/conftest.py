# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""No unit test reads or writes what this machine itself remembers."""

from __future__ import annotations

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.kernel import journal, pending


@pytest.fixture(autouse=True)
def _no_journal_of_this_machine(tmp_path, monkeypatch):
    monkeypatch.setattr(journal, "ROOT", f"{tmp_path}/weft")
    monkeypatch.setattr(pending, "ROOT", f"{tmp_path}/weft")
    monkeypatch.setattr(pending, "PENDING_PATH", f"{tmp_path}/weft/pending.json")
