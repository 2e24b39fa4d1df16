# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Tenancies in which containers are peers by their labels, and what their policies mean on each host.

Nothing of the compiler is used by the witness: it asks the reference about everybody who can be at an address.
"""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from random import Random
from typing import NamedTuple

from hypothesis import strategies as st

from ansible_collections.weft.overlay.plugins.module_utils.intent.peer import Containers, Peer
from tests.unit.compile.policy.reference import FOREIGN, NOBODY, Reference
from tests.unit.compile.policy.tenancies import LARGEST, Domain, _Maker, block, packets

RUNNERS = ("r1", "r2", "r3")


class Labelled(NamedTuple):
    """runners: their subnets."""

    domain: Domain
    runners: dict


def labelled(smallest=2):
    return st.builds(
        lambda size, seed: _LabelMaker(size, Random(seed)).labelled(),  # noqa: S311  # nothing is kept secret by it
        st.integers(smallest, LARGEST),
        st.integers(0, 1 << 64),
    )


class _LabelMaker(_Maker):
    """Each network has a block of its own, and each runner a part of one, in which peers of all networks may have a
    part."""

    def labelled(self):
        found = self.domain()
        tenancy, places, _numbers = found
        blocks = [net for number in self.numbers for net in block(number)[0].subnets(prefixlen_diff=self.one(2, 3))]
        subnets = self.choose.sample(blocks, 2)
        runners = {name: (str(subnet),) for name, subnet in zip(RUNNERS, subnets)}
        peers = dict(tenancy.peers)
        for number in range(self.choose.randint(1, 4)):
            on = tuple(sorted(self.choose.sample(sorted(runners), self.choose.randint(1, 2))))
            being = Containers(on, {"app": str(number)})
            peers[f"c{number}"] = Peer(self.one(*tenancy.namespaces), self.labels(), None, None, None, (), (), being)
        networks = dict(tenancy.networks)
        for number in range(self.one(0, 1, 1, 2)):
            home, (runner, (subnet,)) = self.one(*tenancy.namespaces), self.one(*runners.items())
            others = [
                name
                for name, one in tenancy.namespaces.items()
                if name != home and any(_is_in(subnet, cidr) for cidr in tenancy.networks[one.network].cidrs)
            ]
            if others and self.one(True, True, False):
                # In the midst of others' containers.
                being = Containers((runner,), {"app": f"of-{runner}"})
                peers[f"d{number}"] = Peer(self.one(*others), self.labels(), None, None, None, (), (), being)
            inside = list(ip_network(subnet).subnets(new_prefix=self.one(31, 32, 32)))
            text = str(self.one(*inside))
            addresses = (text.partition("/")[0],) if text.endswith("/32") else ()
            peers[f"x{number}"] = Peer(home, self.labels(), None, None, None, addresses, () if addresses else (text,))
            # So they are in the cidrs of their network, or all around them is too.
            network = tenancy.namespaces[home].network
            cidrs = networks[network].cidrs
            if not any(_is_in(text, cidr) for cidr in cidrs):
                networks[network] = networks[network]._replace(cidrs=(*cidrs, self.one(text, text, text, subnet)))
        for name, (subnet,) in runners.items():
            home = self.one(*tenancy.namespaces)
            if self.one(True, False):
                peers[f"all-{name}"] = Peer(home, self.labels(), None, None, name, (), ())
                cidrs = networks[tenancy.namespaces[home].network].cidrs
                places[f"all-{name}"] = tuple(text for text in (subnet,) if any(_is_in(text, cidr) for cidr in cidrs))
        return Labelled(found._replace(tenancy=tenancy._replace(peers=peers, networks=networks)), runners)

    def networks(self):
        networks, _number_of = super().networks()
        number_of = {name: number for number, name in enumerate(sorted(networks), start=1)}
        for name, network in networks.items():
            cidrs = tuple(map(str, block(number_of[name])))
            networks[name] = network._replace(cidrs=cidrs)
        return networks, number_of


def _is_in(text, cidr):
    one, other = ip_network(text), ip_network(cidr)
    return one.version == other.version and one.subnet_of(other)


class Witness:
    """Who can be at an address, and what passes."""

    def __init__(self, found):
        self.tenancy, self.places, _numbers = found.domain
        self.runners = {name: ip_network(subnet) for name, (subnet,) in found.runners.items()}
        self.reference = Reference(self.tenancy, self.places)

    def delegated(self, address):
        """(runner, network) to whom it is; None: to nobody."""
        return next(self.delegations(address), None)

    def delegations(self, address):
        address = ip_address(address)
        for name, network in self.tenancy.networks.items():
            for runner, subnet in self.runners.items():
                holders = self.reference.holders(address, {name}) if address in subnet else []
                default = not holders or self.tenancy.peers[holders[-1][1]].runner == runner
                default = default and not self.others(address, name, subnet)
                inside = any(_is_in(str(subnet), cidr) for cidr in network.cidrs)
                if address in subnet and default and inside and self.labels(runner, name):
                    yield runner, name

    def others(self, address, network, subnet):
        """Who has it, of networks that this one does not reach, where none of its own has: it is theirs alone."""
        if self.reference.holders(address, {network}):
            return []
        far = set(self.tenancy.networks) - self.reference.reached(network)
        return [name for length, name in self.reference.holders(address, far) if length > subnet.prefixlen]

    def is_apart(self, network, address):
        """Whether others have it in the midst of containers that a network reaches, and it knows nobody there."""
        address = ip_address(address)
        return self.reference.who(network, address) == NOBODY and any(
            address in subnet
            and self.labels(runner, near)
            and any(_is_in(str(subnet), cidr) for cidr in self.tenancy.networks[near].cidrs)
            and self.others(address, near, subnet)
            for near in self.reference.reached(network)
            for runner, subnet in self.runners.items()
        )

    def labels(self, runner, network):
        return [
            name
            for name, peer in self.tenancy.peers.items()
            if peer.containers is not None
            and runner in peer.containers.runners
            and self.reference.network_of(name) == network
        ]

    def who(self, network, address):
        """All who can be there, in the eyes of a network."""
        at = self.delegated(address)
        default = self.reference.who(network, ip_address(address))
        if self.is_apart(network, address):
            return [FOREIGN]
        if at is None or at[1] not in self.reference.reached(network):
            return [default]
        return [*self.labels(*at), default]

    def exact(self, one, source, other, destination, protocol, port):
        """2: passes; 1: passes, and is recorded; 0: does not."""
        if one == NOBODY and other == NOBODY:
            return 2
        ends = (one, ip_address(source), other, ip_address(destination))
        said = self.reference.between(*ends, protocol, port)
        return 2 if said.verdict == "allow" else int(said.observed)


__all__ = ["Labelled", "Witness", "labelled", "packets"]
