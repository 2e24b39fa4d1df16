# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a host had before weft first touched it, of things that are not weft's own: kept on the host, to be given back.

Only what cannot carry a mark of ours is kept so: a switch that is the whole host's, a file of somebody else's.
"""

from __future__ import annotations

from typing import NamedTuple

ORIGINS_PATH = "/var/lib/weft/before.json"

SWITCH = "sysctl"


class Origin(NamedTuple):
    """sort: SWITCH. name: of the thing, as whoever keeps it names it. value: what it was; None: it was not there.

    Written before the thing is changed for the first time, and never again.
    """

    sort: str
    name: str
    value: str | None

    def key(self) -> str:
        return f"{self.sort} {self.name}"
