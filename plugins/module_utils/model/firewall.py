# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the firewall has to hold: in a plan as a policy, on a host as the objects of whatever firewall runs there."""

from __future__ import annotations

from typing import NamedTuple

# What a host filters with; the host says so, a plan does not depend on it.
FIREWALLD = "firewalld"
IPTABLES_NFT = "iptables-nft"
IPTABLES_LEGACY = "iptables-legacy"
NONE = "none"

# The back end of a Ruleset that is our own nftables table; it serves where firewalld runs and where nft is alone.
NFT = "nft"


class Firewall(NamedTuple):
    """The policy of one host, whatever enforces it.

    cidr: the whole overlay. subnet: the runner's own part of it, None on the hub.
    port: UDP port of the tunnels. vnis: our VNIs here. remotes: for each of them, in the same order, the one
    underlay address that may send on it.
    zone: firewalld zone for zone_interfaces, the names of our links; a trailing `+` is a wildcard.
    bridge: the runner's bridge, None on the hub.
    carrier: the WireGuard link that the tunnels run in, None: they run in the open. carrier_port: its UDP port, None
    where there is no carrier.
    masquerade: whether what leaves the overlay leaves with this host's own address.
    """

    cidr: str
    port: int
    vnis: tuple[int, ...]
    remotes: tuple[str, ...]
    zone: str
    zone_interfaces: tuple[str, ...]
    subnet: str | None = None
    bridge: str | None = None
    masquerade: bool = False
    carrier: str | None = None
    carrier_port: int | None = None


class Ruleset(NamedTuple):
    """All rules that weft keeps in one back end (NFT, IPTABLES_NFT or IPTABLES_LEGACY), swapped as one.

    signature: a line for each rule, hook and set element, in order. Two rulesets that say the same have equal
    signatures, whatever the back end printed.
    script: the input (of `nft -f`, or of iptables-restore and ip6tables-restore) that brings exactly this about;
    of an observed ruleset, what puts it back. It plays no part in comparisons.
    """

    backend: str
    signature: tuple[str, ...]
    script: str

    def key(self) -> str:
        return self.backend


class ZoneInterface(NamedTuple):
    """One of our interface names in a firewalld zone. Drift is when it is in only one of the two configurations."""

    zone: str
    interface: str
    permanent: bool = True
    runtime: bool = True

    def key(self) -> str:
        return self.zone + " " + self.interface


class Refusal(NamedTuple):
    """A foreign rule that refuses what is forwarded before our own accept is reached.

    rule: as the tool prints it. source, destination: the prefixes it is about, None: all.
    """

    rule: str
    source: str | None
    destination: str | None


class FirewalldPolicy(NamedTuple):
    """A firewalld policy object of ours: name and the whole XML text; active: firewalld has loaded it."""

    name: str
    xml: str
    active: bool = True

    def key(self) -> str:
        return self.name


class DirectRule(NamedTuple):
    """A rule that firewalld puts into an iptables chain, and puts back after a reload; arguments in iptables' syntax.

    Docker sets the policy of FORWARD to DROP and firewalld's own zones cannot accept there, so this is what does.
    """

    family: str
    table: str
    chain: str
    arguments: tuple[str, ...]
    permanent: bool = True
    runtime: bool = True

    def key(self) -> str:
        return " ".join((self.family, self.table, self.chain, *self.arguments))
