# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Lets every test import ``ansible_collections.weft.overlay`` from a clone in a folder of any name.

Ansible's import hook has to be in place before the first test module is collected, so this is done here, at import,
and not in a fixture.
"""

from __future__ import annotations

import os
from pathlib import Path

from ansible.plugins.loader import init_plugin_loader
from hypothesis import settings

ROOT = Path(__file__).resolve().parent

init_plugin_loader([str(ROOT / ".collections"), str(ROOT / ".cache" / "collections")])

# How long one example takes says more about the machine's load than about the code. On a build machine the same
# examples are tried each time: what fails there fails again here.
settings.register_profile("weft", deadline=None, print_blob=True, derandomize="CI" in os.environ)
settings.load_profile("weft")
