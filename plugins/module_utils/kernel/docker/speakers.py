# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Which containers are on our networks, with which addresses, and which network namespace each of them has."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from ...model.bridge_port import Speaker
from ...model.errors import KernelError
from ..netlink.channel import Channel
from ..netlink.spaces import number_of_space
from . import api as docker_api

# Seconds. A container that is being started has to wait for nobody else's answer.
_PATIENCE = 3.0


def speakers(
    path: str, networks: Mapping[str, str], settled: Collection[str] = ()
) -> tuple[list[tuple[Speaker, dict[str, str]]], list[str]] | None:
    """The running containers on our networks, with their labels, and what was wrong with some.

    path: of Docker's socket. networks: Docker's names of them -> bridge. settled: addresses of containers that need not
    be looked at. None where Docker is stopped; raises KernelError where it does not answer.
    """

    def concerns(listed: dict[str, Any]) -> bool:
        return any(not settled or not set(found) <= set(settled) for _bridge, found, _mac in _ends(listed, networks))

    found = docker_api.running(path, sorted(networks), concerns, _PATIENCE)
    if found is None:
        return None
    speaking: list[tuple[Speaker, dict[str, str]]] = []
    faults: list[str] = []
    channel = Channel()
    try:
        for container in found:
            try:
                labels = (container.get("Config") or {}).get("Labels") or {}
                speaking += ((speaker, labels) for speaker in _speakers(channel, container, networks))
            except KernelError as error:
                faults.append(f"{_name(container)}: {error}")
    finally:
        channel.close()
    return speaking, faults


def _speakers(channel: Channel, container: dict[str, Any], networks: Mapping[str, str]) -> Iterator[Speaker]:
    """One for each of our networks. Missing parts read as empty: it may have ended meanwhile."""
    sandbox = (container.get("NetworkSettings") or {}).get("SandboxKey")
    space = number_of_space(channel, sandbox) if sandbox else None
    if space is None:
        return
    for bridge, addresses, mac in _ends(container, networks):
        if not mac:
            raise KernelError("Docker", "does not say which MAC address it has, so it stays closed")
        yield Speaker(_name(container), bridge, space, addresses, mac)


def _ends(container: dict[str, Any], networks: Mapping[str, str]) -> Iterator[tuple[str, tuple[str, ...], str]]:
    """Bridge, addresses and MAC address, of each of our networks that gave it any; the same in lists and in
    descriptions."""
    ends = (container.get("NetworkSettings") or {}).get("Networks") or {}
    for name, end in ends.items():
        addresses = tuple(address for key in ("IPAddress", "GlobalIPv6Address") if (address := (end or {}).get(key)))
        if name in networks and addresses:
            yield networks[name], addresses, (end.get("MacAddress") or "").lower()


def _name(container: dict[str, Any]) -> str:
    name: str = container.get("Name") or container["Id"]
    return name.lstrip("/")
