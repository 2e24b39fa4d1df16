# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""How weft recognises what it made. Nothing without one of these marks is ever changed or removed."""

from __future__ import annotations

# Set by the kernel in the same message that creates the link, so there is no moment without a mark.
LINK_GROUP = 0x7765

# The same of WireGuard's links: what the firewall says of the overlay's is not about them.
WIREGUARD_GROUP = 0x7766

# rtm_protocol of our routes; 119 is not assigned in iproute2's rt_protos.
ROUTE_PROTOCOL = 119

# Followed by the name of the host that the link leads to: "weft:runner1".
ALIAS_PREFIX = "weft:"

# Our table in nftables and the prefix of our chains in iptables.
NFT_TABLE = "weft_overlay"
CHAIN_PREFIX = "WEFT-"

# Label on Docker networks that weft made; its value is the host's name.
DOCKER_LABEL = "weft.overlay"

# Every rule of ours has a comment that begins so: "weft <words> #<hash of its text>".
RULE_COMMENT = "weft "

# Names of our firewalld policies, and how their description begins: open ports, forwarding of the overlay and of
# WireGuard's clients, what the host itself promises clients.
FIREWALLD_POLICY = "weft-overlay"
FIREWALLD_FORWARD = "weft-forward"
FIREWALLD_CLIENTS = "weft-clients"
FIREWALLD_PROMISES = "weft-promises"
FIREWALLD_POLICIES = (FIREWALLD_POLICY, FIREWALLD_FORWARD, FIREWALLD_CLIENTS, FIREWALLD_PROMISES)
FIREWALLD_CLAIM = "Written by weft, which overwrites changes. Zone entries:"


def group_of(kind: str) -> int:
    """The group of our links of a kind; wireguard-go's are of the kernel's kind `tun`."""
    return WIREGUARD_GROUP if kind in ("wireguard", "tun") else LINK_GROUP


def alias_of(host: str) -> str:
    """The link alias that says: this link leads to (or belongs to) ``host``."""
    return ALIAS_PREFIX + host


def host_of(alias: str) -> str | None:
    """The host name kept in a link's alias, or None where the alias is not ours."""
    return alias[len(ALIAS_PREFIX) :] if alias.startswith(ALIAS_PREFIX) else None
