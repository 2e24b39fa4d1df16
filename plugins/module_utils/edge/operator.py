# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Who calls a command on a host."""

from __future__ import annotations

import os

from ..model.transaction import Author


def operator() -> Author:
    """Whoever is logged in, and from where."""
    user = os.environ.get("SUDO_USER") or os.environ.get("USER") or "root"
    place = os.environ.get("SSH_CONNECTION", "").split(" ")[0]
    return Author(f"{user} on this host" + (f", from {place}" if place else ""))
