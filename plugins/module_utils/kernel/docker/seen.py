# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What Docker has, as values."""

from __future__ import annotations

import os
from typing import Any, NamedTuple

from ...model.docker import DockerNetwork, SeenNetwork
from ...model.marks import DOCKER_LABEL

SOCKET = "/var/run/docker.sock"

# What dockerd takes subnets from when daemon.json names no pools (libnetwork's ipamutils).
_BUILT_IN_POOLS = (*(f"172.{number}.0.0/16" for number in range(17, 32)), "192.168.0.0/16")

_BRIDGE = "com.docker.network.bridge.name"
_MASQUERADE = "com.docker.network.bridge.enable_ip_masquerade"
_MTU = "com.docker.network.driver.mtu"


class Docker(NamedTuple):
    """networks: all of them. pools: where the next subnets come from."""

    networks: tuple[SeenNetwork, ...]
    pools: tuple[str, ...]


def observe() -> Docker | None:
    """Docker's networks with the running containers in each, or None where no daemon listens."""
    if not os.path.exists(SOCKET):
        return None
    from .api import networks_and_pools

    answer = networks_and_pools(SOCKET)
    if answer is None:
        return None
    listed, pools = answer
    return Docker(tuple(map(_seen, listed)), tuple(pool["Base"] for pool in pools) or _BUILT_IN_POOLS)


def bridges(docker: Docker | None) -> frozenset[str]:
    """Links that belong to networks of ours. Docker makes a bridge that is not there itself, without our mark."""
    networks = docker.networks if docker else ()
    return frozenset(seen.network.bridge for seen in networks if seen.ours and seen.network.bridge)


def _seen(item: dict[str, Any]) -> SeenNetwork:
    """One network of the API. Missing parts read as empty: host and null networks have no IPAM."""
    options, labels = item.get("Options") or {}, item.get("Labels") or {}
    pools = [pool for pool in (item.get("IPAM") or {}).get("Config") or [] if pool.get("Subnet")]
    first = pools[0] if pools else {}
    network = DockerNetwork(
        name=item["Name"],
        subnet=first.get("Subnet", ""),
        gateway=first.get("Gateway", "").split("/")[0],
        bridge=options.get(_BRIDGE),
        mtu=int(options.get(_MTU, 0)),
        masquerade=options.get(_MASQUERADE, "true") == "true",
        reserved=tuple(sorted((first.get("AuxiliaryAddresses") or {}).values())),
    )
    containers = tuple(sorted(entry["Name"] for entry in (item.get("Containers") or {}).values()))
    return SeenNetwork(network, DOCKER_LABEL in labels, tuple(pool["Subnet"] for pool in pools), containers)
