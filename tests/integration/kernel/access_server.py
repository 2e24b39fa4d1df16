# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The server of access_hosts.py with the rules that others have on it, in each back end."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ansible_collections.weft.overlay.tests.integration.kernel.access_hosts import ADDRESSES, WG0, WG1, Hosts

BACKENDS = ("none", "iptables-nft", "iptables-legacy")
FAMILIES = (0, 1)

# What an operator and Docker have on the server: all is refused that nobody accepts, and a port leads into the box.
_FOREIGN = """*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:DOCKER-USER - [0:0]
-A INPUT -i lo -j ACCEPT
{discovery}-A INPUT -p tcp -m tcp --dport 7000 -j ACCEPT
-A INPUT -p udp -m udp --dport 7000 -j ACCEPT
-A FORWARD -j DOCKER-USER
-A FORWARD -o dock -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -d {box} ! -i dock -o dock -p tcp -m tcp --dport 7000 -j ACCEPT
-A FORWARD -i dock ! -o dock -j ACCEPT
COMMIT
"""
_PUBLISHED = """*nat
-A PREROUTING -p tcp -m addrtype --dst-type LOCAL -m tcp --dport 8080 -j DNAT --to-destination {to}:7000
COMMIT
"""
_DISCOVERY = "".join(f"-A INPUT -p ipv6-icmp -m icmp6 --icmpv6-type {kind} -j ACCEPT\n" for kind in (135, 136))


def tool(backend: str, family: int, verb: str = "") -> str:
    return f"ip{'6' if family else ''}tables-{'legacy' if backend == 'iptables-legacy' else 'nft'}{verb}"


def saved(hosts: Hosts, backend: str) -> list[str]:
    """Everything in iptables without dates and counters, and without tables that hold nothing."""
    found = []
    for family in FAMILIES:
        text = hosts.run("server", tool(backend, family, "-save"))
        text = re.sub(r"^#.*\n| \[\d+:\d+\]$", "", text, flags=re.MULTILINE)
        found += sorted(table for table in text.split("COMMIT\n") if "-A " in table or "DROP" in table)
    return found


def put_foreign(hosts: Hosts, backend: str) -> None:
    for family in FAMILIES:
        box = ADDRESSES["box"][family]
        to = f"[{box}]" if family else box
        text = _PUBLISHED.format(to=to)
        if backend != "none":
            text += _FOREIGN.format(box=box, discovery=_DISCOVERY if family else "")
        hosts.run("server", tool(backend, family, "-restore"), "--noflush", text=text)


@contextmanager
def serving(backend: str, first: Callable[[Hosts], None] = lambda _hosts: None) -> Iterator[Hosts]:
    """Everything built; ``first`` is called before anybody has a rule."""
    hosts = Hosts()
    try:
        hosts.build()
        first(hosts)
        put_foreign(hosts, backend)
        hosts.foreign = saved(hosts, backend)
        hosts.converge(backend, WG0, WG1)
        yield hosts
    finally:
        hosts.remove()
