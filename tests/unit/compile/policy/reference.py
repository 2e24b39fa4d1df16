# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What policies mean, said once more, as plainly as it can be said: every rule is asked about every packet.

Nothing of the compiler is used here, and nothing is fast.
"""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import NamedTuple

NUMBERS = {"ICMP": 1, "TCP": 6, "UDP": 17, "ICMPv6": 58, "SCTP": 132}

# Who is at an address: the name of a peer, or one of these.
NOBODY = "nobody"
FOREIGN = "foreign"


class Judgement(NamedTuple):
    """verdict: "allow" or "deny". rule: (policy, direction, position), None: none decides."""

    verdict: str
    observed: bool
    rule: tuple[str, str, int] | None
    reason: str | None
    source: str
    destination: str


class Reference:
    def __init__(self, tenancy, places, hosts=(), shadows=()):
        """hosts: addresses of hosts of ours, which are a peer's only if it names just them. shadows: (viewer, network,
        cidr of the network, shadow that the viewer knows it by)."""
        self.tenancy = tenancy
        self.places = places
        self.allocated = list(shadows)
        self.shadows = [(viewer, network, ip_network(own), ip_network(seen)) for viewer, network, own, seen in shadows]
        self.hosts = set(map(ip_address, hosts))
        self.order = [
            (name, direction, position)
            for name in sorted(tenancy.policies)
            for direction in ("ingress", "egress")
            for position in range(len(getattr(tenancy.policies[name], direction)))
        ]

    # Who is where

    def network_of(self, peer):
        return self.tenancy.namespaces[self.tenancy.peers[peer].namespace].network

    def prefixes(self, peer):
        said = self.tenancy.peers[peer]
        return [ip_network(text) for text in said.addresses or said.subnets or self.places.get(peer, ())]

    def reached(self, network):
        """The network itself, and those that name it and that it names."""
        networks = self.tenancy.networks
        return {network} | {name for name in networks[network].peered if network in networks[name].peered}

    def holders(self, address, networks):
        """(prefix length, peer) of all in these networks, the closest last."""
        return sorted(
            (prefix.prefixlen, peer)
            for peer in self.tenancy.peers
            if self.network_of(peer) in networks
            for prefix in self.prefixes(peer)
            if address in prefix and (prefix.num_addresses == 1 or address not in self.hosts)
        )

    def seen(self, viewer, network, address):
        """By what address a network knows one of another network."""
        for who, what, own, there in self.shadows:
            if (who, what) == (viewer, network) and address in own:
                return there[int(address) - int(own[0])]
        return address

    def behind(self, viewer, address):
        """(network, its own address) of what a network sees there by a shadow; None: there is none."""
        for who, what, own, there in self.shadows:
            if who == viewer and address in there:
                return what, own[int(address) - int(there[0])]
        return None

    def hides(self, viewer, network, address):
        """Whether a network knows another one's addresses of this family by shadows alone."""
        return any(
            (who, what, own.version) == (viewer, network, address.version) for who, what, own, _there in self.shadows
        )

    def who(self, network, address):
        """Who an address is for a network; None: for nobody in particular."""
        behind = self.behind(network, address)
        if behind is not None:
            holders = self.holders(behind[1], {behind[0]})
            return holders[-1][1] if holders else NOBODY
        reached = self.reached(network) if network is not None else set()
        reached = {name for name in reached if not self.hides(network, name, address)}
        holders = self.holders(address, reached)
        if holders:
            return holders[-1][1]
        if any(address in ip_network(cidr) for name in reached for cidr in self.tenancy.networks[name].cidrs):
            return NOBODY
        return FOREIGN if self.networks_at(address) else NOBODY

    def networks_at(self, address):
        """In whose eyes a peer is there; that it is in its own, counts for all of those that see it so."""
        networks = {self.network_of(peer) for _length, peer in self.holders(address, set(self.tenancy.networks))}
        for viewer in self.tenancy.networks:
            behind = self.behind(viewer, address)
            if behind is not None and self.holders(behind[1], {behind[0]}):
                networks.add(viewer)
        return networks

    def only_network(self, address):
        networks = self.networks_at(address)
        return networks.pop() if len(networks) == 1 else None

    # What a packet meets

    def judge(self, network, source, destination, protocol, port):
        """network: a name; None: the packet is of none."""
        source, destination = ip_address(source), ip_address(destination)
        if network is None:
            network = self.only_network(source) or self.only_network(destination)
        one, other = self.who(network, source), self.who(network, destination)
        # Who is at the other end, is what a peer's own network says.
        if one not in (NOBODY, FOREIGN) and self.behind(network, source) is not None:
            # It was translated already, so only somebody of this very network can be meant.
            home = self.network_of(one)
            foreign = other not in (NOBODY, FOREIGN) and self.network_of(other) != network
            if foreign or self.behind(network, destination) is not None:
                return Judgement("deny", False, None, "SHADOW", one, other)
            if other == NOBODY:
                destination = self.seen(home, network, destination)
                other = self.who(home, destination)
            else:
                destination = self.seen(home, network, destination)
            source = self.behind(network, source)[1]
        elif one not in (NOBODY, FOREIGN):
            other = self.who(self.network_of(one), destination)
        elif other not in (NOBODY, FOREIGN) and one == NOBODY:
            home = self.network_of(other)
            if self.behind(network, destination) is not None:
                source = self.seen(home, network, source)
            one = self.who(home, source)
        if FOREIGN in (one, other):
            return Judgement("deny", False, None, "NETWORK", one, other)
        if NOBODY not in (one, other):
            # To the destination's policies, its source is what its network sees.
            source = self.seen(self.network_of(other), self.network_of(one), source)
        return self.between(one, source, other, destination, protocol, port)

    def between(self, one, source, other, destination, protocol, port):
        denials, permissions = [], []
        if one != NOBODY:
            permissions += self.ask(one, "egress", other, destination, protocol, port, denials)
        if other != NOBODY:
            # Of a packet that both sides allow, the destination's rule is told.
            permissions = self.ask(other, "ingress", one, source, protocol, port, denials)
        enforced = [denial for denial in denials if not denial["observed"]]
        deciding = enforced or denials
        if not deciding:
            return Judgement("allow", False, min(permissions, key=self.order.index, default=None), None, one, other)
        rules = [denial["rule"] for denial in deciding if denial["rule"] is not None]
        rule = min(rules, key=self.order.index, default=None)
        return Judgement("deny", not enforced, rule, "RULE" if rule else "NO_RULE", one, other)

    def ask(self, peer, direction, other, address, protocol, port, denials):
        """The rules of one side that allow a packet; its denials are added to the list."""
        tenancy, network = self.tenancy, self.network_of(peer)
        network_observes = tenancy.networks[network].mode == "observe"
        permissions, modes = [], []
        for name, policy in tenancy.policies.items():
            if not self.selects_peer(policy, peer) or not getattr(policy, direction):
                continue
            observes = network_observes or policy.mode == "observe"
            modes.append(observes)
            for position, rule in enumerate(getattr(policy, direction)):
                if not self.is_about(rule, policy, network, other, address, protocol, port):
                    continue
                if rule.action == "deny":
                    denials.append({"rule": (name, direction, position), "observed": observes})
                else:
                    permissions.append((name, direction, position))
        if not permissions:
            denials.append({"rule": None, "observed": network_observes or (bool(modes) and all(modes))})
        return permissions

    # What policies say

    def scope(self, policy):
        """The network that a policy is of."""
        return policy.network or self.tenancy.namespaces[policy.namespace].network

    def selects_peer(self, policy, peer):
        said = self.tenancy.peers[peer]
        if policy.namespace is not None:
            there = said.namespace == policy.namespace
        else:
            there = self.network_of(peer) == policy.network
        return there and self.fits(policy.select, said.labels)

    def is_about(self, rule, policy, network, other, address, protocol, port):
        ports = not rule.ports or any(
            NUMBERS[one.protocol] == protocol and (one.first is None or one.first <= port <= one.last)
            for one in rule.ports
        )
        others = not rule.others or any(self.means(one, policy, network, other, address) for one in rule.others)
        return ports and others

    def means(self, others, policy, network, other, address):
        if others.cidr is not None:
            return address in ip_network(others.cidr) and not any(address in ip_network(one) for one in others.excluded)
        if other == NOBODY:
            return False
        said = self.tenancy.peers[other]
        if others.peers is not None and not self.fits(others.peers, said.labels):
            return False
        if others.namespaces is not None:
            namespace = self.tenancy.namespaces[said.namespace]
            return namespace.network in self.reached(network) and self.fits(others.namespaces, namespace.labels)
        if policy.namespace is not None:
            return said.namespace == policy.namespace
        return self.network_of(other) == policy.network

    @staticmethod
    def fits(selector, labels):
        for key, value in selector.labels.items():
            if key not in labels or labels[key] != value:
                return False
        for key, operator, values in selector.expressions:
            held = {
                "In": key in labels and labels[key] in values,
                "NotIn": key not in labels or labels[key] not in values,
                "Exists": key in labels,
                "DoesNotExist": key not in labels,
            }
            if not held[operator]:
                return False
        return True
