# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""How weft recognises what it made. Nothing without one of these marks is ever changed or removed."""

from __future__ import annotations

# Set by the kernel in the same message that creates the link, so there is no moment without a mark.
LINK_GROUP = 0x7765

# The same of WireGuard's links: what the firewall says of the overlay's is not about them.
WIREGUARD_GROUP = 0x7766

# rtm_protocol of our routes and FRA_PROTOCOL of our rules; 119 is not assigned in iproute2's rt_protos.
ROUTE_PROTOCOL = 119

# The part of a packet's mark that is ours, the tag of its network. 0: not judged, 1 to 254: a network's, 255: judged
# and of none. Others keep to lower bits: Tailscale 0xff0000, kube-proxy 0xc000, Docker and wg-quick the lowest 16.
MARK_MASK = 0xFF000000
MARK_SHIFT = 24
FIRST_TAG, LAST_TAG = 1, 254
NO_TAG = 255

# Zones of connection tracking, plus the tag, where two networks have the same addresses. Others count from 1 (Open
# vSwitch, OVN, Cilium) or have none.
ZONE_BASE = 0x7700

# Each tag has a table of its own: the protocol's number times 1000, plus the tag. Nobody else counts from there:
# Tailscale has 52, strongSwan 220, the kernel 253 to 255, VRFs and cloud agents some thousands (Cilium 2004, NetBird
# 7120, EC2 10001 and on), wg-quick its port (51820 and on, below 65536). systemd-networkd has none unless told so.
TABLE_BASE = ROUTE_PROTOCOL * 1000
FIRST_TABLE, LAST_TABLE = TABLE_BASE + FIRST_TAG, TABLE_BASE + LAST_TAG

# Where our rules stand: after the kernel's lookup of its own addresses (0), and before everything that could send a
# network's packets into somebody else's table: NetBird (105 and 110), strongSwan (220), VRFs (1000), Tailscale (5210 to
# 5270), and the main table (32766). Docker and kube-proxy have no rules. Cilium has 1 to 20 and 100 to 112.
FIRST_PRIORITY, LAST_PRIORITY = 70, 99

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
