# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A host-wide kernel switch that the overlay needs. Switches of our own links are part of the link."""

from __future__ import annotations

from typing import NamedTuple

FORWARDING = "net.ipv4.ip_forward"
FORWARDING6 = "net.ipv6.conf.all.forwarding"
# By family: what a host says of a packet goes by that packet's mark.
REFLECTING = ("net.ipv4.fwmark_reflect", "net.ipv6.fwmark_reflect")
OFF, ON = "0", "1"

# Linux: Documentation/networking/ip-sysctl.rst, accept_ra: "unless forwarding", and "also with forwarding".
UNLESS_FORWARDING, ALWAYS = "1", "2"
ACCEPT_RA = "/accept_ra"

FORWARDS = "/forwarding"
REDIRECTS = "net/ipv4/conf/all/accept_redirects"
# Where the switches of single links are that go with a host-wide one.
CONFS = {FORWARDING: "net/ipv4/conf/", FORWARDING6: "net/ipv6/conf/"}


class Sysctl(NamedTuple):
    """name: dotted, `net.ipv4.ip_forward`; with slashes where a link is in it, whose name may have dots:
    `net/ipv6/conf/eth0.7/accept_ra`. value: as the kernel prints it.

    Host-wide switches are shared with others, so a plan that no longer names one leaves it as it is.
    """

    name: str
    value: str

    def key(self) -> str:
        return self.name


def carried(switch: Sysctl, name: str) -> str | None:
    """What the kernel makes of the switch `name` when a host-wide one is changed to this; None: it leaves it alone.

    Linux: net/ipv4/devinet.c, inet_forward_change(); net/ipv6/addrconf.c, addrconf_fixup_forwarding().
    """
    if switch.name == FORWARDING and name == REDIRECTS:
        return ON if switch.value == OFF else OFF
    folder = CONFS.get(switch.name)
    return switch.value if folder and name.startswith(folder) and name.endswith(FORWARDS) else None


def leader(name: str) -> str | None:
    """The host-wide switch that a link's one goes with; None for a host-wide one itself."""
    return next((switch for switch, folder in CONFS.items() if name.startswith(folder)), None)


def made_of(name: str) -> str:
    """What a switch is once weft has switched forwarding on."""
    if name.endswith(ACCEPT_RA):
        return ALWAYS
    return OFF if name == REDIRECTS else ON
