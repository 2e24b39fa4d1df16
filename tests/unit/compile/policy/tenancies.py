# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Small tenancies in which everything lies close together, and packets between what is there.

They come from a seed and a size that Hypothesis chooses: the size is what it can make smaller. Were every part drawn by
itself, few tenancies would have enough in them for policies to contradict each other.
"""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from itertools import islice
from random import Random
from typing import NamedTuple

from hypothesis import strategies as st

from ansible_collections.weft.overlay.plugins.module_utils.intent.namespace import Namespace
from ansible_collections.weft.overlay.plugins.module_utils.intent.network import Network
from ansible_collections.weft.overlay.plugins.module_utils.intent.peer import Peer
from ansible_collections.weft.overlay.plugins.module_utils.intent.policy import Policy
from ansible_collections.weft.overlay.plugins.module_utils.intent.port import Port
from ansible_collections.weft.overlay.plugins.module_utils.intent.rule import Others, Rule
from ansible_collections.weft.overlay.plugins.module_utils.intent.selector import Expression, Selector
from ansible_collections.weft.overlay.plugins.module_utils.intent.tenancy import Tenancy

KEYS, VALUES = ("app", "tier"), ("x", "y", "z")
PORTS = (1, 22, 79, 80, 81, 443, 8080, 65535)
TYPES = (0, 3, 8, 128, 255)
PROTOCOLS = ("TCP", "TCP", "UDP", "SCTP", "ICMP", "ICMPv6")
OUTSIDE = ("192.0.2.1", "203.0.113.9", "2001:db8::1", "10.255.0.1")
# Shadows of all that these tenancies can have.
SHADOWS = ("10.128.0.0/24", "fd00:128::/120")
FAR = ("0.0.0.0/0", "::/0", "10.0.0.0/8", "192.0.2.0/24", "fd00::/8", "2000::/3")
NETWORKS = ("dev", "lab", "prod", "test")
EVERYTHING = Selector({}, ())
LARGEST = 10


class Domain(NamedTuple):
    """places: of peers that do not say their addresses. numbers: of the blocks that are in use."""

    tenancy: Tenancy
    places: dict
    numbers: list


def shadows_in(pool):
    """As many as may be in use."""
    network = ip_network(pool)
    return islice(network.subnets(new_prefix=28 if network.version == 4 else 124), 12)


def domains(*, shadows=False):
    """shadows: in half of them, peered networks may have the same addresses."""
    alike = st.booleans() if shadows else st.just(False)
    return st.builds(domain, st.integers(1, LARGEST), st.integers(0, 1 << 64), alike)


def block(number):
    """Sixteen addresses of each family."""
    return ip_network(f"10.{number}.0.0/28"), ip_network(f"fd00:{number}::/124")


def domain(size, seed, shadows=False):
    return _Maker(size, Random(seed), shadows).domain()  # noqa: S311  # nothing is kept secret by it


class _Maker:
    def __init__(self, size, choose, shadows=False):
        self.size = size
        self.choose = choose
        self.numbers = []
        # Whether networks may have the same addresses although they are peered.
        self.alike = shadows

    def one(self, *things):
        return self.choose.choice(things)

    def some(self, most, make):
        return tuple(make() for _one in range(self.choose.randint(0, most)))

    def domain(self):
        networks, number_of = self.networks()
        self.numbers = sorted(set(number_of.values()))
        spaces = "abcde"[: self.choose.randint(1, 1 + self.size // 2)]
        namespaces = {name: Namespace(self.one(*networks), self.labels()) for name in spaces}
        peers, places = self.peers(namespaces, number_of)
        policies = {}
        for name in self.choose.sample("lmnopqrstu", self.choose.randint(self.size // 2, self.size)):
            scope = self.one(*((space, None) for space in spaces), *((None, network) for network in networks))
            lists = (self.some(3, self.rule), self.some(3, self.rule))
            policies[name] = Policy(*scope, self.selector(), self.one(None, "enforce", "observe"), *lists)
        # What has to be allowed twice hardly ever is, by chance.
        everything = (Rule("allow", (), ()),)
        for name in networks:
            lists = self.one(((), ()), ((), everything), (everything, ()), (everything, everything))
            policies[f"open-{name}"] = Policy(None, name, EVERYTHING, None, *lists)
        tenancy = Tenancy(networks, namespaces, peers, policies, (), (), SHADOWS if self.alike else ())
        return Domain(tenancy, places, self.numbers)

    def networks(self):
        names = self.choose.sample(NETWORKS, self.choose.randint(1, min(4, (self.size + 1) // 2)))
        possible = [(one, other) for one in names for other in names if one < other]
        peerings = self.choose.sample(possible, self.choose.randint(0, len(possible)))
        peered = {name for peering in peerings for name in peering}
        # Whoever is peered needs addresses of its own; the others share one block.
        number_of = {name: number if name in peered else 0 for number, name in enumerate(names, start=1)}
        if self.alike:
            number_of = {name: self.one(0, 0, 1) for name in names}
        networks = {}
        for name in names:
            near = tuple(other for peering in peerings if name in peering for other in peering if other != name)
            # What only one side says does not count.
            near += tuple(other for other in names if name < other and other not in near and self.choose.random() < 0.2)
            cidrs = self.one(block(number_of[name]), block(number_of[name])[:1])
            if self.alike:
                # Peers are in their networks' cidrs, and have to be for that.
                cidrs = block(number_of[name])
            mode = self.one("enforce", "enforce", "enforce", "observe")
            networks[name] = Network(tuple(map(str, cidrs)), None, mode, near, None)
        return networks, number_of

    def peers(self, namespaces, number_of):
        peers, places, taken = {}, {}, set()
        for number in range(self.choose.randint((self.size + 1) // 2, self.size)):
            home = self.one(*namespaces)
            network = namespaces[home].network
            held = {(network, self.prefix([number_of[network]])) for _one in range(self.one(0, 1, 1, 2, 3))} - taken
            taken |= held
            texts = tuple(sorted(text for _network, text in held))
            if self.one(True, False):
                peers[f"p{number}"] = Peer(home, self.labels(), "a-client", None, None, (), ())
                places[f"p{number}"] = texts
            else:
                peers[f"p{number}"] = Peer(home, self.labels(), None, None, None, (), texts)
        return peers, places

    def labels(self):
        return {key: self.one(*VALUES) for key in KEYS if self.one(True, False)}

    def selector(self):
        expressions = self.some(1, self.expression)
        return self.one(EVERYTHING, Selector(self.labels(), ()), Selector({}, expressions))

    def expression(self):
        operator = self.one("In", "NotIn", "Exists", "DoesNotExist")
        values = tuple(self.choose.sample(VALUES, self.choose.randint(1, 2))) if operator in ("In", "NotIn") else ()
        return Expression(self.one(*KEYS), operator, values)

    def prefix(self, numbers=None):
        """Of a few addresses, in one of these blocks."""
        network = self.one(*block(self.one(*(numbers or self.numbers))))
        if self.alike and numbers is None and self.choose.random() < 0.5:
            network = self.one(*self.one(*map(list, map(shadows_in, SHADOWS))))
        return str(self.one(*network.subnets(prefixlen_diff=self.choose.randint(0, 4))))

    def others(self):
        if self.one(True, False, False):
            cidr = ip_network(self.one(self.one(*FAR), self.prefix()))
            excluded = [ip_network(self.one(self.prefix(), self.prefix(), *FAR)) for _one in range(3)]
            inside = [one for one in excluded if one.version == cidr.version and one != cidr and one.subnet_of(cidr)]
            return Others(None, None, str(cidr), tuple(dict.fromkeys(map(str, inside))))
        return Others(self.one(None, self.selector()), self.one(None, self.selector()), None, ())

    def port(self):
        protocol = self.one(*PROTOCOLS)
        if protocol in ("ICMP", "ICMPv6"):
            number = self.one(None, *TYPES)
            return Port(protocol, number, number)
        first = self.one(None, *PORTS)
        last = first if first is None else self.one(first, *(port for port in PORTS if port >= first))
        return Port(protocol, first, last)

    def rule(self):
        action = self.one("allow", "allow", "deny")
        return Rule(action, self.some(2, self.others), self.some(2, self.port))


def packets(found, seed, count, shadows=()):
    """(network or None, source, destination, protocol, port), most of them between peers. shadows: (viewer, network,
    prefix, shadow), as maps have them; then half of the packets are from or for one, in its viewer's network."""
    choose = Random(seed)  # noqa: S311  # nothing is kept secret by it
    tenancy, places, numbers = found
    near = [network[offset] for number in numbers for network in block(number) for offset in range(16)]
    behind = [network[offset] for pool in tenancy.shadows for network in shadows_in(pool) for offset in range(16)]
    held = [ip_network(text) for name, peer in tenancy.peers.items() for text in peer.subnets or places.get(name, ())]
    outside = [ip_address(text) for text in OUTSIDE]

    def end():
        kind = choose.random()
        if behind and choose.random() < 0.1:
            return choose.choice(behind)
        if held and kind < 0.8:
            prefix = choose.choice(held)
            return prefix[choose.randrange(prefix.num_addresses)]
        return choose.choice(near if kind < 0.9 else outside)

    def crossing():
        """To somebody of the other network, or as they are met in this one."""
        viewer, _network, own, there = choose.choice(shadows)
        own, there = ip_network(own), ip_network(there)
        far = [prefix for prefix in held if prefix.version == own.version and prefix.subnet_of(own)]
        if not far or choose.random() < 0.2:
            far = [own]
        prefix = choose.choice(far)
        seen = there[int(prefix[choose.randrange(prefix.num_addresses)]) - int(own[0])]
        both = (end(), seen) if choose.random() < 0.6 else (seen, end())
        return viewer, *both

    for _packet in range(count):
        network = choose.choice((None, *sorted(tenancy.networks)))
        source, destination = end(), end()
        if shadows and choose.random() < 0.5:
            network, source, destination = crossing()
        if source.version == destination.version:
            protocol = choose.choice((6, 6, 17, 132, 1, 58, 47))
            port = choose.choice(TYPES if protocol in (1, 58) else (2, 82, *PORTS))
            yield network, str(source), str(destination), protocol, port
