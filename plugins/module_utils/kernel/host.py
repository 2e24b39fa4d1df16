# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The real host: every adapter behind the one Protocol."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

from ..model import state as kinds
from ..model.change import REMOVE, Change
from ..model.errors import KernelError
from ..model.link import WIREGUARD, Link
from ..model.origin import SWITCH
from ..model.policed import BPF_FOLDER
from ..model.sending import AUDIT_KEY_FOLDER
from ..model.state import Capabilities, Foreign, Observed, State, state_of
from ..model.stored import SERVICE_STATES
from ..model.wireguard import CLIENT_ROOT, KEY_ROOT, Keys
from . import origins, ports, stored, sysctl
from .docker import seen as docker
from .firewall.backend import Firewalls
from .meanwhile import Meanwhile
from .netlink.adapter import Netlink, Network
from .programs import tools, wanting

_IPV6 = "/proc/net/if_inet6"
_NETWORK = (kinds.LINK, kinds.POLICED, kinds.ADDRESS, kinds.ROUTE, kinds.RULE)
_FIREWALL = (kinds.RULESET, kinds.FIREWALLD_POLICY, kinds.ZONE, kinds.DIRECT)
_TUNNELS = (kinds.DEVICE, kinds.PEER)
_ITS_OWN = (kinds.SYSCTL, kinds.ORIGIN, kinds.CLIENT, kinds.SERVICE)


class HostKernel:
    """The network namespace, the firewall and the disk that this process runs on.

    ask_docker: not at boot. There Docker waits for us, while systemd already listens on its socket: a question would
    wait for an answer that waits for the end of the question. policies: whether this host is to have one; what its
    kernel lacks for that is then asked. leaving: also what lies in folders that are weft's alone is looked at.
    """

    def __init__(self, ask_docker: bool = True, policies: bool = False, leaving: bool = False) -> None:
        self._firewalls = Firewalls()
        self._ask_docker = ask_docker
        self._policies = policies
        self._leaving = leaving
        # Names of switches.
        self._written: set[str] = set()
        # A Plane; its code is loaded where it is needed.
        self._plane: Any = None

    def observe(self) -> Observed:
        looking, containers = Meanwhile(self._firewalls.observe), docker.observe() if self._ask_docker else None
        with Netlink() as netlink:
            network = netlink.observe(docker.bridges(containers))
            able = netlink.supports()
        (tunnels, keys), (policed, hooks, unable) = _wireguard(network.links), self._policed(network.links)
        firewall, (files, file_faults) = looking.result(), stored.observe()
        return Observed(
            Capabilities(
                firewall=firewall.backend,
                docker=containers is not None,
                wanting=tuple(wanting(firewall.backend, containers is not None)),
                tools=tuple(tools()),
                unable=unable,
                ipv6=os.path.exists(_IPV6),
                **able,
            ),
            {
                **tunnels,
                **policed,
                **_state(network),
                **firewall.state,
                **self._switches(network.links),
                **self._left(containers, firewall.backend),
                **files,
            },
            _foreign(network)._replace(
                networks=containers.networks if containers else (),
                pools=containers.pools if containers else (),
                clients=_clients(),
                refusals=firewall.refusals,
                zones=firewall.zones,
                faults=firewall.faults + file_faults,
                hooks=hooks,
                ports=ports.observe(device.port for device in tunnels.get(kinds.DEVICE, {}).values()),
            ),
            now=int(time.time()),
            keys=keys,
            around=firewall.around._replace(unmounted=self._unmounted()),
        )

    def apply(self, changes: Sequence[Change]) -> None:
        keys: dict[str, dict[str, str]] = {}
        for kind, group in groupby(changes, key=_adapter):
            batch = list(group)
            if kind == kinds.LINK:
                with Netlink() as netlink:
                    netlink.apply(batch, self._police)
            elif kind == kinds.POLICY:
                self._judging().apply(batch)
            elif kind == kinds.RULESET:
                keys = self._filter(batch, [change for change in changes if change.kind == kinds.PEER])
            elif kind == kinds.SYSCTL:
                sysctl.apply(batch)
                self._written.update(change.key for change in batch)
            elif kind == kinds.ORIGIN:
                origins.apply(batch)
            elif kind == kinds.TRACE:
                from . import traces

                traces.apply(batch)
            elif kind == kinds.FILE:
                stored.stop_units(batch)
                for change in batch:
                    stored.apply(change)
                stored.reload_units(batch)
            else:
                from .wireguard import plane as wireguard_plane

                wireguard_plane.apply(batch, keys)

        if self._plane is not None:
            self._plane.tidy()

    def _policed(self, links: Iterable[Link]) -> tuple[State, tuple[tuple[str, str], ...], tuple[str, ...] | None]:
        """What judges here, who else is at the hooks, and what this host lacks for it. A host without policies does not
        even load the code."""
        if not self._policies and not os.path.isdir(BPF_FOLDER):
            return {}, (), None
        from .bpf.plane import unable

        lacking = unable(BPF_FOLDER) if self._policies else None
        if lacking:
            return {}, (), lacking
        state, hooks = self._judging().observe(link.name for link in links if link.kind)
        return state, hooks, lacking

    def _switches(self, links: Iterable[Link]) -> State:
        """The switches of the whole host, and what they were before weft. What was written is looked at again, also
        where nothing is remembered."""
        before = origins.observe()
        names = {origin.name for origin in before.values() if origin.sort == SWITCH}
        own = {link.name for link in links}
        return {kinds.ORIGIN: before, kinds.SYSCTL: sysctl.observe(sorted(names | self._written), own)}

    def _left(self, containers: docker.Docker | None, firewall: str) -> State:
        if not self._leaving:
            return {}
        from . import traces

        return traces.observe(containers.networks if containers else (), firewall)

    def _unmounted(self) -> tuple[str, ...]:
        point = os.path.dirname(BPF_FOLDER)
        return (point,) if self._policies and not os.path.ismount(point) else ()

    def _judging(self) -> Any:
        if self._plane is None:
            from .bpf.plane import Plane

            self._plane = Plane()
        return self._plane

    def _police(self, changes: Sequence[Change]) -> None:
        self._judging().police(changes)

    def _filter(self, batch: list[Change], peers: list[Change]) -> dict[str, dict[str, str]]:
        """The keys of peers to come are read while the firewall is loaded."""
        if not peers:
            self._firewalls.apply(batch)
            return {}
        from .wireguard import devices as wireguard

        loading = Meanwhile(lambda: self._firewalls.apply(batch))
        try:
            return wireguard.prepare(peers)
        finally:
            loading.result()


def _state(network: Network) -> State:
    return state_of(
        {
            kinds.LINK: network.links,
            kinds.ADDRESS: network.addresses,
            kinds.ROUTE: network.routes,
            kinds.RULE: network.rules,
        }
    )


def _foreign(network: Network) -> Foreign:
    return Foreign(
        links=network.foreign_links,
        routes=network.foreign_routes,
        uplinks=network.uplinks,
        tables=network.foreign_tables,
        rules=network.foreign_rules,
    )


def _adapter(change: Change) -> str:
    """Neighbouring changes of one adapter are one batch to it."""
    if change.kind == kinds.POLICY or (change.kind == kinds.POLICED and change.action == REMOVE):
        return kinds.POLICY
    if change.kind in _NETWORK:
        return kinds.LINK
    if change.kind in _FIREWALL:
        return kinds.RULESET
    if change.kind in _TUNNELS:
        return kinds.DEVICE
    if change.kind in _ITS_OWN:
        return str(change.kind)
    if change.kind in (kinds.NETWORK, kinds.TRACE):
        return kinds.TRACE
    if change.kind in (kinds.FILE, kinds.PROGRAM):
        return kinds.FILE
    raise KernelError(f"{change.kind} {change.key}", "no adapter knows this kind")


def _wireguard(links: tuple[Link, ...]) -> tuple[State, Keys]:
    """What there is of WireGuard, and of services; a host that has none does not even load the code."""
    traces = (KEY_ROOT, CLIENT_ROOT, AUDIT_KEY_FOLDER, *SERVICE_STATES.values())
    if not any(link.kind == WIREGUARD for link in links) and not any(map(os.path.exists, traces)):
        return {}, Keys()
    from .wireguard import plane as wireguard_plane

    return wireguard_plane.observe(links)


def _clients() -> tuple[str, ...]:
    """Where the operator comes from: sshd says so in the environment of what it starts."""
    peer = os.environ.get("SSH_CONNECTION", "").split(" ")[0]
    return (peer,) if peer else ()
