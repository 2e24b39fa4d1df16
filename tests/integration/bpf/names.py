# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Who lives in the place of place.py, without what it takes to make packets."""

from __future__ import annotations

FAMILIES = ("ipv4", "ipv6")

ADDRESSES = {
    "web": ("10.20.0.2", "fd00:20::2"),
    "db": ("10.20.0.3", "fd00:20::3"),
    "lan": ("10.20.8.7", "fd00:20:8::7"),
    # in the subnet of lan, but another's
    "hole": ("10.20.8.66", "fd00:20:8::66"),
    "far": ("10.30.0.2", "fd00:30::2"),
    # in the cidrs of network 1, and of nobody
    "spare": ("10.20.9.9", "fd00:20:9::9"),
    "host": ("10.20.0.1", "fd00:20::1"),
    "world": ("192.0.2.7", "2001:db8::7"),
}
MACS = {
    "web": "02:00:00:00:00:02",
    "db": "02:00:00:00:00:03",
    "far": "02:00:00:00:00:04",
    "world": "02:00:00:00:00:07",
    "host": "02:00:00:00:00:01",
}
