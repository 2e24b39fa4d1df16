# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Sender or collector as a process: process.py send PLAN SPOOL KEY, process.py collect PLAN KEY STORES."""

from __future__ import annotations

import sys

from ansible_collections.weft.overlay.plugins.module_utils.edge.denials import collect, send

if __name__ == "__main__":
    word, *paths = sys.argv[1:]
    if word == "send":
        sys.exit(send.main([word], send.Places(*paths)))
    sys.exit(collect.main([word], collect.Places(*paths)))
