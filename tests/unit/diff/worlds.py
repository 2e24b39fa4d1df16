# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Hypothesis strategies: plans, and hosts that once had a plan and went their own way since."""

from __future__ import annotations

from hypothesis import strategies as st

from ansible_collections.weft.overlay.plugins.module_utils.compile.overlay import (
    Spoke,
    hub_plan,
    isolated_plan,
    runner_plan,
)
from ansible_collections.weft.overlay.plugins.module_utils.compile.policy.routing import routing
from ansible_collections.weft.overlay.plugins.module_utils.diff.desired import desired
from ansible_collections.weft.overlay.plugins.module_utils.intent.domain import parse
from ansible_collections.weft.overlay.plugins.module_utils.model import state as kinds
from ansible_collections.weft.overlay.plugins.module_utils.model.address import Address
from ansible_collections.weft.overlay.plugins.module_utils.model.link import BRIDGE, DUMMY, VXLAN, ForeignLink, Link
from ansible_collections.weft.overlay.plugins.module_utils.model.policed import Objects
from ansible_collections.weft.overlay.plugins.module_utils.model.policy import Attachment, NetworkName, PolicyMaps
from ansible_collections.weft.overlay.plugins.module_utils.model.route import (
    MAIN_TABLE,
    UNICAST,
    UNREACHABLE,
    ForeignRoute,
    Route,
)
from ansible_collections.weft.overlay.plugins.module_utils.model.rule import GOTO, LOOKUP, ForeignRule, Rule
from ansible_collections.weft.overlay.plugins.module_utils.model.state import (
    Capabilities,
    Foreign,
    Observed,
    Uplink,
    state_of,
)
from ansible_collections.weft.overlay.plugins.module_utils.model.stored import File, Program
from ansible_collections.weft.overlay.plugins.module_utils.model.sysctl import Sysctl

OVERLAYS = [
    parse(f"version: 1\noverlay: {text}", "domain.yaml").overlay
    for text in (
        "{}",
        "{port: 8472, base_vni: 102}",
        "{cidr: 10.128.0.0/12, runner_prefix: 18, names: {hub_link: hub0, bridge: kohaku-host, runner_tunnel: tun0}}",
        "{cidr: 198.18.64.0/20, runner_prefix: 26, names: {hub_tunnel: h, runner_tunnel: kohaku-overlay, bridge: br0}}",
    )
]
FIREWALLS = ("firewalld", "iptables-nft", "iptables-legacy", "none")
PROGRAMS = tuple(Program(digest * 32, (("main.py", f"# {digest}"),)) for digest in "ab")
# The rules that every kernel begins with.
KERNEL_RULES = tuple(
    ForeignRule(family, priority, 0, 0, False, False, LOOKUP, table)
    for family, priority, table in ((4, 0, 255), (4, 32766, 254), (4, 32767, 253), (6, 0, 255), (6, 32766, 254))
)
FOREIGN = Foreign(
    links=(ForeignLink("eth0", "device"), ForeignLink("docker0", BRIDGE), ForeignLink("vx9", VXLAN, 9, 4789)),
    routes=(ForeignRoute("0.0.0.0/0", "eth0"),),
    uplinks=(Uplink("192.0.2.250/24", "eth0", 1500),),
    zones=("public", "trusted"),
    rules=KERNEL_RULES,
)

# Compiled programs, of two releases.
OBJECTS = tuple(Objects(digest * 32, (("ingress.bpf.o", digest.encode()),)) for digest in ("0a", "0b"))
# The number of a policy's only network, None: no policy.
POLICIES = st.sampled_from((None, None, 1, 2, 3))

# Tags of a host's networks.
TAGS = st.sampled_from(((), (), (), (1,), (1, 2, 254), (2, 17, 18)))
CAPABILITIES = st.builds(Capabilities, st.booleans(), st.sampled_from(FIREWALLS), unable=st.just(()))


@st.composite
def plans(draw):
    """The plan of a hub, of a runner, or of a runner in default mode; they share names, VNIs and addresses."""
    overlay = draw(st.sampled_from(OVERLAYS))
    role = draw(st.sampled_from(("hub", "hub", "runner", "isolated")))
    net = draw(st.sampled_from(("192.0.2.", "198.51.100.", "2001:db8::")))
    numbers = draw(st.lists(st.integers(1, 6), unique=True, max_size=4).map(sorted))
    mtu = draw(st.sampled_from((1450, 1430, 8950)))
    spokes = tuple(Spoke(f"runner{number}", number, f"{net}{number}", mtu) for number in numbers)
    return with_policy(with_networks(_overlay_plan(overlay, role, net, spokes), draw(TAGS)), draw(POLICIES))


def _overlay_plan(overlay, role, net, spokes):
    if role == "hub":
        return hub_plan(overlay, "hub", f"{net}250", spokes)
    if role == "runner" and spokes:
        return runner_plan(overlay, spokes[0], "hub", f"{net}250")
    return isolated_plan(overlay, "runner1")


def with_networks(plan, tags):
    """The plan of a host that is in networks with these tags; each has a way over every link of it, and no two the
    same one to one destination."""
    links = [link.name for link in plan.links]
    ways = [Route(f"10.{200 + number}.0.0/16", "", name, "") for number, name in enumerate(links)]
    tables = routing(
        {str(tag): tag for tag in tags},
        {str(tag): [way._replace(link=links[(tag + n) % len(links)]) for n, way in enumerate(ways)] for tag in tags},
    )
    return plan._replace(routes=plan.routes + tables.routes, rules=tables.rules)


def with_policy(plan, number):
    """The plan of a host with a policy; all its links but the first are policed. None: it has none."""
    if number is None:
        return plan
    policed = tuple(Attachment(link.name, place, 0, 0) for place, link in enumerate(plan.links[1:], start=1))
    return plan._replace(policy=PolicyMaps(networks=(NetworkName(number, "shop"),), attachments=policed))


def wanted(plan, capabilities, program=PROGRAMS[0], objects=OBJECTS[0]):
    return desired(plan, capabilities, program, objects=objects).state


@st.composite
def drifted(draw, plan, capabilities, rests=False):
    """A state that a host can be in: what a plan wanted, with things changed, gone, and more of ours there. rests: and
    what changes that were ended in their middle have left beside routes, which no way back brings back."""
    state = wanted(plan, capabilities, draw(st.sampled_from(PROGRAMS)), draw(st.sampled_from(OBJECTS)))
    links = [_aged(draw, link) for link in state[kinds.LINK].values() if not draw(_RARELY)]
    links += draw(st.lists(st.sampled_from(_EXTRA_LINKS), unique=True, max_size=3))
    names = [link.name for link in links] or ["none"]
    addresses = [_moved(draw, value, names) for value in state[kinds.ADDRESS].values() if not draw(_RARELY)]
    addresses += draw(st.lists(_more_addresses(names), max_size=3))
    sources = [value.address.split("/")[0] for value in addresses] or ["none"]
    routes = [_rerouted(draw, route, names, sources) for route in state[kinds.ROUTE].values() if not draw(_RARELY)]
    routes += draw(st.lists(_more_routes(names, sources, rests) | st.sampled_from(_EXTRA_REFUSALS), max_size=3))
    policies = {} if draw(_RARELY) else {key: seen(value) for key, value in state[kinds.POLICY].items()}
    policed = [_renumbered(draw, value) for value in state[kinds.POLICED].values() if not draw(_RARELY)]
    rules = {rule.key(): rule for rule in draw(st.lists(st.sampled_from(_EXTRA_RULES), max_size=3))}
    return {
        **{kind: draw(_some_of(values)) for kind, values in state.items()},
        kinds.RULE: {**draw(_some_of(state[kinds.RULE])), **rules},
        kinds.SYSCTL: state_of({kinds.SYSCTL: (Sysctl("net.ipv4.ip_forward", draw(st.sampled_from("01"))),)})[
            kinds.SYSCTL
        ],
        **consistent(links, addresses, routes, policed if policies else ()),
        kinds.POLICY: policies,
    }


def seen(policy):
    """As a host tells of it."""
    return policy._replace(maps=None, files=())


@st.composite
def hosts(draw, rests=False):
    """(plan, observed host that once had this plan or another one). rests: as of drifted."""
    capabilities, plan = draw(CAPABILITIES), draw(plans())
    former = plan if draw(st.booleans()) else draw(plans())
    return plan, Observed(capabilities, draw(drifted(former, capabilities, rests)), FOREIGN)


def consistent(links, addresses, routes, policed=()):
    """Without what no kernel would have: two VXLANs with one VNI, addresses on nothing, routes over nothing, programs
    at nothing."""
    found, tunnels = {}, {(link.vni, link.port) for link in FOREIGN.links if link.kind == VXLAN}
    for link in links:
        if link.name not in found and (link.kind != VXLAN or (link.vni, link.port) not in tunnels):
            found[link.name] = link
            tunnels |= {(link.vni, link.port)} if link.kind == VXLAN else set()
    bridges = {name for name, link in found.items() if link.kind == BRIDGE and link.master is None}
    for name, link in found.items():
        if link.master is not None and (link.master not in bridges or link.master == name):
            found[name] = link._replace(master=None)
    addresses = {value.key(): value for value in addresses if value.link in found}
    sources = {value.address.split("/")[0] for value in addresses.values()}
    up = {name for name, link in found.items() if link.up}
    routes = {
        route.key(): route
        for route in routes
        if route.type != UNICAST or (route.link in up and route.source in {*sources, ""})
    }
    hooks = {value.interface: value for value in policed if value.interface in found}
    return {kinds.LINK: found, kinds.ADDRESS: addresses, kinds.ROUTE: routes, kinds.POLICED: hooks}


_RARELY = st.sampled_from((False, False, False, True))
_EXTRA_LINKS = (
    Link("vxkr9", VXLAN, "weft:gone", "02:77:00:00:00:6d", 1450, None, 109, 4789, "192.0.2.250", "192.0.2.9"),
    Link("old", VXLAN, "weft:gone", "02:77:00:00:00:65", 1450, None, 101, 4789, "192.0.2.250", "192.0.2.8"),
    Link("spare", VXLAN, "weft:gone", "02:77:00:00:00:66", 1450, "br-old", 102, 8472, "192.0.2.250", "192.0.2.8"),
    Link("br-old", BRIDGE, "weft:gone", "02:77:02:00:00:01", 1450),
    Link("kohaku-host", BRIDGE, "weft:hub", "02:77:03:00:00:64", 1500),
    Link("vxlan0", DUMMY, "weft:hub", "02:77:03:00:00:64", 1500, up=False),
)
_EXTRA_REFUSALS = tuple(
    Route(default, "", "", "", table, UNREACHABLE) for default in ("0.0.0.0/0", "::/0") for table in (119001, 119009)
)
# Left over from other networks, or from another way to sort them.
_EXTRA_RULES = (
    Rule(4, 73, 9 << 24, 0xFF << 24, LOOKUP, 119009),
    Rule(6, 73, 1 << 24, 0xFF << 24, LOOKUP, 119009),
    Rule(4, 70, 0, 0xFF << 24, GOTO, 89),
    Rule(6, 72, 0x10 << 24, 0xF0 << 24, GOTO, 74),
    Rule(4, 72, 2 << 24, 0xFF << 24, UNREACHABLE),
    Rule(4, 85, 1 << 24, 0xFF << 24, LOOKUP, 119001, "eth0"),
)
_AGES = {
    "alias": ("", "weft:other"),
    "mac": ("02:77:00:ff:ff:ff",),
    "mtu": (1400, 9000),
    "up": (False,),
    "grouped": (False,),
    "ipv6": (True,),
}
_TUNNEL_AGES = {
    "vni": (102, 103, 7),
    "port": (4790, 8472),
    "local": ("192.0.2.77", "2001:db8::77"),
    "remote": ("192.0.2.78", "2001:db8::78", None),
    "learning": (True,),
    "master": (None, "br-old"),
}


def _aged(draw, link):
    ages = {**_AGES, **_TUNNEL_AGES} if link.kind == VXLAN else _AGES
    link = link._replace(mtu=link.mtu or 1500)
    if draw(_RARELY):
        kind = draw(st.sampled_from((BRIDGE, DUMMY)))
        link = link._replace(kind=kind, vni=None, port=None, local=None, remote=None)
        ages = _AGES
    fields = draw(st.lists(st.sampled_from(sorted(ages)), unique=True, max_size=2))
    return link._replace(**{field: draw(st.sampled_from(ages[field])) for field in fields})


def _moved(draw, address, names):
    if draw(_RARELY):
        address = address._replace(prefix_route=not address.prefix_route)
    return address._replace(link=draw(st.sampled_from(names))) if draw(_RARELY) else address


def _renumbered(draw, attachment):
    return attachment._replace(number=attachment.number + 100) if draw(_RARELY) else attachment


def _rerouted(draw, route, names, sources):
    if route.type != UNICAST:
        return route
    changed = {"via": st.just("10.9.9.9"), "link": st.sampled_from(names)}
    if route.table == MAIN_TABLE:
        changed["source"] = st.sampled_from(sources)
    fields = draw(st.lists(st.sampled_from(sorted(changed)), unique=True, max_size=2))
    return route._replace(**{field: draw(changed[field]) for field in fields})


def _more_addresses(names):
    # Also the overlay's own a second time.
    addresses = ("10.0.0.1/8", "10.0.0.1/32", "10.1.0.1/24", "203.0.113.1/24")
    return st.builds(Address, st.sampled_from(names), st.sampled_from(addresses), st.booleans())


@st.composite
def _more_routes(draw, names, sources, rests):
    first = Route(
        draw(st.sampled_from(("10.9.0.0/16", "203.0.113.0/24"))),
        "10.9.0.1",
        draw(st.sampled_from(names)),
        draw(st.sampled_from(sources)),
        locked=draw(st.booleans()),
    )
    if not rests or not draw(_RARELY):
        return first
    return first._replace(beside=(first._replace(via="10.9.0.2"),))


@st.composite
def _some_of(draw, values):
    """Files, rules and the like: some gone, some different."""
    return {key: _different(draw, value) for key, value in values.items() if not draw(_RARELY)}


def _different(draw, value):
    if not draw(_RARELY):
        return value
    if isinstance(value, (File, Program)):
        return value._replace(text="drifted") if isinstance(value, File) else Program("c" * 32)
    changed = {"signature": ("drifted",), "xml": "drifted", "active": False, "permanent": False}
    return value._replace(**{name: new for name, new in changed.items() if name in value._fields})
