# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What Docker has, asked over its own socket (Docker Engine API). Read only: networks are made by community.docker."""

from __future__ import annotations

import http.client
import json
import os
import socket
from typing import Any, NamedTuple

from ..model.docker import DockerNetwork, SeenNetwork
from ..model.errors import KernelError
from ..model.marks import DOCKER_LABEL

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


class _Connection(http.client.HTTPConnection):
    """HTTP over the daemon's UNIX socket."""

    def __init__(self) -> None:
        super().__init__("localhost", timeout=20)

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(20)
        self.sock.connect(SOCKET)


def observe() -> Docker | None:
    """Docker's networks with the running containers in each, or None where no daemon listens."""
    if not os.path.exists(SOCKET):
        return None
    connection = _Connection()
    try:
        listed = _get(connection, "/networks")
        pools = _get(connection, "/info").get("DefaultAddressPools")
        networks = tuple(_seen(_get(connection, "/networks/" + item["Id"])) for item in listed)
    except ConnectionRefusedError:
        # The socket outlives a stopped daemon.
        return None
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise KernelError("Docker", f"does not answer on {SOCKET}: {error}") from error
    finally:
        connection.close()
    return Docker(networks, tuple(pool["Base"] for pool in pools) if pools else _BUILT_IN_POOLS)


def _get(connection: _Connection, path: str) -> Any:
    connection.request("GET", path)
    response = connection.getresponse()
    body = response.read()
    if response.status != http.client.OK:
        raise KernelError(f"Docker {path}", f"{response.status} {body.decode(errors='replace').strip()}")
    return json.loads(body)


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
