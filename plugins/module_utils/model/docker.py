# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A Docker network, and what else of Docker the overlay has to know."""

from __future__ import annotations

from typing import NamedTuple


class DockerNetwork(NamedTuple):
    """name: Docker's name for it. bridge: the Linux bridge that it uses; None: Docker makes one itself.

    reserved: addresses that Docker's IPAM must never hand out. mtu: bytes, 0 = Docker's default.
    masquerade: whether Docker does NAT for it.
    """

    name: str
    subnet: str
    gateway: str
    bridge: str | None
    mtu: int
    masquerade: bool
    reserved: tuple[str, ...] = ()

    def key(self) -> str:
        return self.name


class SeenNetwork(NamedTuple):
    """A Docker network as observed. ours: it carries our label. containers: names of the running ones in it.

    filters: what stands in the host's FORWARD chain for its bridge, as iptables prints it; only where weft leaves, and
    firewalld runs.
    """

    network: DockerNetwork
    ours: bool
    subnets: tuple[str, ...]
    containers: tuple[str, ...]
    filters: tuple[str, ...] = ()

    def key(self) -> str:
        return self.network.name
