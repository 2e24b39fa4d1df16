# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The kinds of names that an intent gives to things on hosts."""

from __future__ import annotations

from .scalar import Name

# What the kernel reserves (a link is also a folder below /proc/sys/net/ipv4/conf and /sys/class/net).
_KERNELS_OWN = {
    "all": "the kernel keeps the settings of all interfaces under that name",
    "default": "the kernel keeps the settings of new interfaces under that name",
    "lo": "it is the loopback interface",
    "bonding_masters": "the bonding driver keeps a file under that name",
}

INTERFACE = Name(
    words="an interface name",
    longest=15,
    whose="IFNAMSIZ in the kernel",
    first="A-Za-z0-9",
    rest="A-Za-z0-9_.-",
    allowed="letters, digits, dots, dashes and underscores, a letter or digit first",
    reserved=_KERNELS_OWN,
)

# Of the inventory. Ansible takes nearly everything; what becomes a file name and an argument is narrower.
HOST = Name(
    words="an inventory name of a host",
    longest=253,
    whose="as in DNS",
    first="A-Za-z0-9",
    rest="A-Za-z0-9_.-",
    allowed="letters, digits, dots, dashes and underscores, a letter or digit first",
)

PROFILE = Name(
    words="a profile name",
    longest=32,
    first="A-Za-z0-9",
    rest="A-Za-z0-9_.-",
    allowed=HOST.allowed,
)

# A folder and files are called so.
CLIENT = Name(
    words="a client name",
    longest=63,
    first="A-Za-z0-9",
    rest="A-Za-z0-9_.-",
    allowed=HOST.allowed,
)

NETWORK = Name(
    words="a network name",
    longest=63,
    first="A-Za-z0-9",
    rest="A-Za-z0-9_.-",
    allowed=HOST.allowed,
)

NAMESPACE = Name(
    words="a namespace name",
    longest=63,
    first="A-Za-z0-9",
    rest="A-Za-z0-9_.-",
    allowed=HOST.allowed,
)

# Tests of policies take it or an address: a letter first tells them apart.
PEER = Name(
    words="a peer name",
    longest=63,
    first="A-Za-z",
    rest="A-Za-z0-9_.-",
    allowed="letters, digits, dots, dashes and underscores, a letter first",
    reserved={
        "host": "each host itself is called so where a packet is told of",
        "world": "all that is no peer is called so where a packet is told of",
    },
)

POLICY = Name(
    words="a policy name",
    longest=63,
    first="A-Za-z0-9",
    rest="A-Za-z0-9_.-",
    allowed=HOST.allowed,
)

# At least one digit follows; the firewall takes the prefix and a + as a wildcard.
INTERFACE_PREFIX = Name(
    words="the start of interface names",
    longest=14,
    whose="a number follows, and the kernel takes 15 in all",
    first="A-Za-z0-9",
    rest="A-Za-z0-9_.-",
    allowed=INTERFACE.allowed,
)

# firewalld makes chain names of it: firewall.core.base and firewall.core.io.zone say what fits.
ZONE = Name(
    words="a firewalld zone",
    longest=17,
    whose="firewalld puts it into names of iptables chains",
    first="A-Za-z0-9_",
    rest="A-Za-z0-9_-",
    allowed="letters, digits, dashes and underscores",
    reserved={
        "block": "firewalld rejects every packet in that zone",
        "drop": "firewalld drops every packet in that zone",
    },
)

# moby: names.RestrictedNamePattern. The length is ours: Docker has no bound.
DOCKER_NETWORK = Name(
    words="a Docker network name",
    longest=64,
    first="A-Za-z0-9",
    rest="A-Za-z0-9_.-",
    allowed="letters, digits, dots, dashes and underscores, a letter or digit first",
    reserved=dict.fromkeys(("bridge", "default", "host", "none"), "Docker has a network of its own under that name"),
)

# How names of interfaces begin that others make. A wildcard of ours that covers one would let its traffic through.
OTHERS_INTERFACES = (
    "bond0", "br-", "cali0", "cni0", "docker0", "em1", "en0", "eno1", "enp0s1", "ens1",
    "enx0", "eth0", "flannel.1", "ib0", "lo", "podman0", "tap0", "team0", "tun0", "usb0",
    "venet0", "veth0", "virbr0", "vmbr0", "wg0", "wlan0", "wlp1", "wwan0", "zt0",
)  # fmt: skip


def covered_by(prefix: str) -> str | None:
    """A well-known interface name that the wildcard ``prefix+`` would cover; None: it covers none."""
    return next((name for name in OTHERS_INTERFACES if name.startswith(prefix)), None)
