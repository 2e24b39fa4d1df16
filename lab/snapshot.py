"""Everything on a host that a network tool could touch, as text: equal texts mean that nothing was touched."""

from __future__ import annotations

import difflib
import json
import re
from typing import Any

from .traffic import must

_SCRIPT = r"""
section() { printf '\n=== %s\n' "$1"; }
section links; ip -d -j link
section addresses; ip -j address
section routes; (ip route show table all; ip -6 route show table all) | grep -v fe80:
section rules; ip rule; ip -6 rule
section 'forwarding entries'; bridge fdb show | grep permanent
section switches; sysctl -a 2>/dev/null | grep -E 'ip_forward|forwarding|rp_filter|disable_ipv6|_redirects|bridge-nf'
section nftables; nft -s list ruleset
if command -v iptables-legacy-save >/dev/null; then
    section iptables-legacy; iptables-legacy-save; ip6tables-legacy-save
fi
if command -v docker >/dev/null && systemctl -q is-active docker; then
    section docker; docker network inspect $(docker network ls -q | sort)
fi
section wireguard
for what in public-key listen-port allowed-ips; do wg show all $what | sort; done
wg show all preshared-keys | sort | sha256sum
section processes; pgrep -x wireguard-go | sort -n
section files
places="/etc/systemd/system /etc/firewalld /etc/docker /etc/sysctl.d /etc/sysctl.conf /usr/local /var/lib/weft"
places="$places /srv/weft"
# Denials arrive at any time, and are counted.
moving="( -path /var/lib/weft/audit -o -path /var/lib/weft/metrics -o -path /srv/weft/audit ) -prune -o"
find $places $moving ! -type d -printf '%p %m %u %T@ %l\n' 2>/dev/null | sort
find $places $moving -type f -exec sha256sum {} + 2>/dev/null | sort
"""

# What moves by itself: timers of bridges, packet counters, the time in a comment, link-local addresses of new links.
_COUNTERS = re.compile(r"\[\d+:\d+\]|^# (Generated|Completed).*$", re.MULTILINE)


def take(name: str) -> dict[str, str]:
    """The sections of one host by their names."""
    parts = re.split(r"\n=== (.*)\n", must(name, "sh", "-c", _SCRIPT))
    sections = dict(zip(parts[1::2], parts[2::2]))
    for section in ("links", "addresses"):
        sections[section] = _lines(json.loads(sections[section]))
    return {section: _COUNTERS.sub("", text) for section, text in sections.items()}


def take_all(*names: str) -> dict[str, dict[str, str]]:
    return {name: take(name) for name in names}


def differences(before: dict[str, dict[str, str]], after: dict[str, dict[str, str]]) -> str:
    """ "" when nothing was touched, otherwise what was, host by host and section by section."""
    found = []
    for name in sorted(before):
        for section in sorted({*before[name], *after[name]}):
            pair = [side[name].get(section, "").splitlines() for side in (before, after)]
            changed = list(difflib.unified_diff(*pair, lineterm="", n=0))[2:]
            if changed:
                found += [f"{name}: {section}:", *changed]
    return "\n".join(found)


def _lines(objects: list[Any]) -> str:
    """One sorted line for each object, without what the kernel counts down in it."""
    return "\n".join(sorted(json.dumps(_still(item), sort_keys=True) for item in objects))


def _still(item: Any) -> Any:
    if isinstance(item, dict):
        moving = ("_timer", "topology_change", "topology_change_detected")
        return {key: _still(value) for key, value in item.items() if not key.endswith(moving)}
    if isinstance(item, list):
        return [_still(value) for value in item if not (isinstance(value, dict) and value.get("scope") == "link")]
    return item
