# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Small tenancies in which everything lies close together, and packets between what is there."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from random import Random

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
OUTSIDE = ("192.0.2.1", "203.0.113.9", "2001:db8::1", "10.255.0.1")
FAR = ("0.0.0.0/0", "::/0", "10.0.0.0/8", "192.0.2.0/24", "fd00::/8", "2000::/3")

LABELS = st.dictionaries(st.sampled_from(KEYS), st.sampled_from(VALUES))
EXPRESSIONS = st.one_of(
    st.builds(
        Expression,
        st.sampled_from(KEYS),
        st.sampled_from(("In", "NotIn")),
        st.lists(st.sampled_from(VALUES), min_size=1, max_size=2, unique=True).map(tuple),
    ),
    st.builds(Expression, st.sampled_from(KEYS), st.sampled_from(("Exists", "DoesNotExist")), st.just(())),
)
SELECTORS = st.one_of(
    st.just(Selector({}, ())),
    st.builds(Selector, st.dictionaries(st.sampled_from(KEYS), st.sampled_from(VALUES), max_size=1), st.just(())),
    st.builds(Selector, LABELS, st.lists(EXPRESSIONS, max_size=2).map(tuple)),
)


def block(number):
    """Sixteen addresses of each family."""
    return ip_network(f"10.{number}.0.0/28"), ip_network(f"fd00:{number}::/124")


@st.composite
def prefixes(draw, numbers):
    """Of a few addresses, in one of these blocks."""
    network = draw(st.sampled_from(block(draw(st.sampled_from(numbers)))))
    subnets = list(network.subnets(prefixlen_diff=draw(st.integers(0, 4))))
    return str(draw(st.sampled_from(subnets)))


@st.composite
def ranges(draw, protocol):
    if protocol in ("ICMP", "ICMPv6"):
        first = draw(st.none() | st.sampled_from(TYPES))
        return Port(protocol, first, first)
    first = draw(st.none() | st.sampled_from(PORTS))
    last = first if first is None else draw(st.just(first) | st.sampled_from([port for port in PORTS if port >= first]))
    return Port(protocol, first, last)


PORT_LISTS = st.lists(st.sampled_from(("TCP", "TCP", "UDP", "SCTP", "ICMP", "ICMPv6")).flatmap(ranges), max_size=2).map(
    tuple
)


@st.composite
def others(draw, numbers):
    if draw(st.integers(0, 2)) == 0:
        cidr = draw(st.sampled_from(FAR) | prefixes(numbers))
        excluded = draw(st.lists(prefixes(numbers) | st.sampled_from(FAR), max_size=2, unique=True))
        whole = ip_network(cidr)
        inside = [one for one in map(ip_network, excluded) if one.version == whole.version and one.subnet_of(whole)]
        return Others(None, None, cidr, tuple(map(str, inside)))
    return Others(draw(st.none() | SELECTORS), draw(st.none() | SELECTORS), None, ())


@st.composite
def rules(draw, numbers):
    # Without many that allow much, nothing would ever pass both sides.
    action = draw(st.sampled_from(("allow", "allow", "allow", "deny")))
    found = draw(st.just(()) | st.lists(others(numbers), max_size=2).map(tuple))
    return Rule(action, found, draw(st.just(()) | PORT_LISTS))


@st.composite
def tenancies(draw):
    """(tenancy, places, the blocks that are in use)."""
    names = draw(st.permutations(("dev", "lab", "prod", "test")))[: draw(st.integers(1, 4))]
    possible = [(one, other) for one in names for other in names if one < other]
    peerings = draw(st.lists(st.sampled_from(possible), max_size=3, unique=True)) if possible else []
    peered = {name for peering in peerings for name in peering}
    # Whoever is peered needs addresses of its own; the others share one block.
    number_of = {name: number if name in peered else 0 for number, name in enumerate(names, start=1)}
    networks = {}
    for name in names:
        near = tuple(other for peering in peerings if name in peering for other in peering if other != name)
        cidrs = draw(st.sampled_from((block(number_of[name]), block(number_of[name])[:1])))
        mode = draw(st.sampled_from(("enforce", "enforce", "enforce", "observe")))
        networks[name] = Network(tuple(map(str, cidrs)), None, mode, near, None)
    spaces = draw(st.lists(st.sampled_from("abcde"), min_size=1, max_size=4, unique=True))
    namespaces = {name: Namespace(draw(st.sampled_from(names)), draw(LABELS)) for name in spaces}
    peers, places = {}, {}
    taken = set()
    for number in range(draw(st.integers(1, 7))):
        home = draw(st.sampled_from(spaces))
        network = namespaces[home].network
        held = [
            text for text in draw(st.lists(prefixes([number_of[network]]), max_size=3)) if (network, text) not in taken
        ]
        held = list(dict.fromkeys(held))
        taken |= {(network, text) for text in held}
        name = f"p{number}"
        if draw(st.booleans()):
            peers[name] = Peer(home, draw(LABELS), "a-client", None, None, (), ())
            places[name] = tuple(held)
        else:
            peers[name] = Peer(home, draw(LABELS), None, None, None, (), tuple(held))
    numbers = sorted(set(number_of.values()))
    policies = {}
    for name in draw(st.permutations(("p", "q", "r", "s", "t")))[: draw(st.integers(0, 5))]:
        scope = draw(st.sampled_from([(space, None) for space in spaces] + [(None, network) for network in names]))
        lists = [draw(st.lists(rules(numbers), max_size=3).map(tuple)) for _direction in range(2)]
        policies[name] = Policy(*scope, draw(SELECTORS), draw(st.sampled_from((None, "enforce", "observe"))), *lists)
    # What has to be allowed twice hardly ever is, by chance.
    everything = (Rule("allow", (), ()),)
    for network in draw(st.lists(st.sampled_from(names), max_size=len(names), unique=True)):
        ingress, egress = draw(st.sampled_from((((), everything), (everything, ()), (everything, everything))))
        policies[f"open-{network}"] = Policy(None, network, Selector({}, ()), None, ingress, egress)
    return Tenancy(networks, namespaces, peers, policies, ()), places, numbers


def packets(tenancy, places, numbers, seed, count):
    """(network or None, source, destination, protocol, port), most of them between peers. The seed is what Hypothesis
    chooses: a hundred packets drawn one by one would take it longer than all the rest."""
    choose = Random(seed)  # noqa: S311  # nothing is kept secret by it
    near = [network[offset] for number in numbers for network in block(number) for offset in range(16)]
    held = [ip_network(text) for name, peer in tenancy.peers.items() for text in peer.subnets or places.get(name, ())]
    outside = [ip_address(text) for text in OUTSIDE]
    for _packet in range(count):
        ends = []
        for _end in range(2):
            kind = choose.random()
            if held and kind < 0.7:
                prefix = choose.choice(held)
                ends.append(prefix[choose.randrange(prefix.num_addresses)])
            else:
                ends.append(choose.choice(near if kind < 0.85 else outside))
        if ends[0].version != ends[1].version:
            continue
        protocol = choose.choice((6, 6, 17, 132, 1, 58, 47))
        port = choose.choice(TYPES if protocol in (1, 58) else (2, 82, *PORTS))
        yield choose.choice((None, *sorted(tenancy.networks))), str(ends[0]), str(ends[1]), protocol, port
