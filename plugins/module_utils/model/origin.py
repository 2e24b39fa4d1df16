# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a host had before weft first touched it, of things that are not weft's own: kept on the host, to be given back.

Only what cannot carry a mark of ours is kept so: a switch that is the whole host's, a file of somebody else's, and what
came into being because we wrote into it.
"""

from __future__ import annotations

from typing import NamedTuple

ORIGINS_PATH = "/var/lib/weft/before.json"

SWITCH, FILE, CHAIN, MOUNT = "sysctl", "file", "chain", "mount"

FIREWALLD_ETC = "/etc/firewalld"
# firewalld keeps what it writes over under this name.
FIREWALLD_BACKUP = ".old"
DIRECT_FILE = f"{FIREWALLD_ETC}/direct.xml"


class Origin(NamedTuple):
    """sort: SWITCH, FILE, CHAIN or MOUNT. name: of the thing: `net.ipv4.ip_forward`, a path, `ip raw PREROUTING` (or
    `ip raw`, the table), a mount point. value: what it was, a file's text; None: it was not there.

    Written before the thing is changed for the first time, and never again.
    """

    sort: str
    name: str
    value: str | None

    def key(self) -> str:
        return f"{self.sort} {self.name}"


class Around(NamedTuple):
    """What of others weft may come to write into, as it is now, as far as it is not remembered yet.

    files: path and text of firewalld's, None: not there. chains: names of the tables and chains of iptables' nft back
    end that there are; None: nobody looked. unmounted: of the file systems that weft mounts where nobody has.
    """

    files: tuple[tuple[str, str | None], ...] = ()
    chains: frozenset[str] | None = None
    unmounted: tuple[str, ...] = ()


def zone_file(zone: str) -> str:
    return f"{FIREWALLD_ETC}/zones/{zone}.xml"
