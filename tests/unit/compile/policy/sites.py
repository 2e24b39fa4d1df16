# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Whole domains with a hub, runners, a router and its clients, and peers wherever somebody can be.

They come from a seed, as those of tenancies.py do.
"""

from __future__ import annotations

from random import Random

from hypothesis import strategies as st

from ansible_collections.weft.overlay.plugins.module_utils.compile import ledger as ledgers
from ansible_collections.weft.overlay.plugins.module_utils.compile.domain import compile_domain
from ansible_collections.weft.overlay.plugins.module_utils.compile.inventory import Others, read
from ansible_collections.weft.overlay.plugins.module_utils.compile.world import Run
from ansible_collections.weft.overlay.plugins.module_utils.intent.domain import parse
from tests.unit.intent.domains import written

RUNNERS = {1: "runner1", 2: "runner2", 3: "runner3"}
CLIENTS = ("ann", "ben", "cat", "dan")
TENANCY = ("networks", "namespaces", "peers", "policies", "tests")
# Each network has a part of each runner's subnet, of the lan and of the clients' addresses.
CIDRS = {
    "blue": ["10.0.0.0/9", "192.168.20.0/25", "192.168.210.0/24", "fd5e:20::/65", "fd5e:210::/64"],
    "red": ["10.128.0.0/10", "192.168.20.128/25", "192.168.211.0/24"],
}

HOSTS = {"192.168.20.1", *(f"10.{number}.0.{end}" for number in RUNNERS for end in (1, 254))}


def sites():
    return st.integers(0, 1 << 64).map(site)


def site(seed):
    """domain.yaml as a mapping, and whether the hub is the router too."""
    choose = Random(seed)  # noqa: S311  # nothing is kept secret by it
    peers = {}

    def peer(name, network, **being):
        labels = {"app": choose.choice("xy")} if choose.random() < 0.5 else {}
        peers[name] = {"namespace": f"{network}-{choose.choice('ab')}", "labels": labels, **being}

    for runner in choose.sample(sorted(RUNNERS.values()), choose.randint(0, 2)):
        peer(f"all-{runner}", "blue", runner=runner)
    for client in choose.sample(CLIENTS, choose.randint(0, 3)):
        peer(f"of-{client}", "blue" if client < "c" else "red", client=client)
    for number in range(choose.randint(0, 6)):
        network, text = choose.choice(
            (
                ("blue", f"10.{choose.randint(1, 4)}.{choose.randint(0, 2)}.0/24"),
                ("blue", f"10.{choose.randint(1, 3)}.0.{choose.choice((1, 2, 9, 254))}"),
                ("blue", f"192.168.20.{choose.choice((1, 2, 40))}"),
                ("blue", "192.168.20.0/26"),
                ("blue", "fd5e:20::40"),
                ("blue", "192.168.210.0/25"),
                ("red", f"192.168.20.{choose.choice((129, 240))}"),
                ("red", "192.168.211.0/28"),
                ("red", "10.128.0.0/10"),
            )
        )
        if all(text not in (*one.get("addresses", ()), *one.get("subnets", ())) for one in peers.values()):
            peer(f"p{number}", network, **{"subnets" if "/" in text else "addresses": [text]})
    if choose.random() < 0.5:
        peer("router", "blue", server="router1")
    if any("server" in one or "runner" in one for one in peers.values()):
        # Nobody else declares what is theirs.
        peers = {name: one for name, one in peers.items() if not HOSTS & set(one.get("addresses", ()))}
    policies = {
        f"policy{number}": {
            "network": choose.choice(("blue", "red")),
            "select": choose.choice(({}, {"matchLabels": {"app": "x"}})),
            choose.choice(("ingress", "egress")): [choose.choice(({}, {"ports": [{"protocol": "TCP", "port": 80}]}))],
        }
        for number in range(choose.randint(0, 3))
    }
    peered = choose.random() < 0.5
    tenancy = {
        "networks": {
            name: {"cidrs": cidrs, **({"peered": [other]} if peered else {})}
            for (name, cidrs), other in zip(CIDRS.items(), ("red", "blue"))
        },
        "namespaces": {f"{name}-{part}": {"network": name} for name in CIDRS for part in "ab"},
        "peers": peers,
        "policies": policies,
    }
    return {**PLANE, **tenancy}, choose.random() < 0.3


PLANE = {
    "version": 1,
    "overlay": {},
    "servers": {"router1": {"role": "router", "management": {"ipv4": "192.168.20.1", "ipv6": "fd5e:20::1"}}},
    "interfaces": {
        "wg0": {
            "server": "router1",
            "endpoint": {"host": "vpn.example.net", "port": 51820},
            "subnets": {"ipv4": "192.168.210.0/24", "ipv6": "fd5e:210::/64"},
            "lan": ["192.168.20.0/24", "fd5e:20::/64"],
        },
        "wg1": {
            "server": "router1",
            "endpoint": {"host": "vpn.example.net", "port": 51821},
            "subnets": {"ipv4": "192.168.211.0/24"},
        },
    },
    "profiles": {"all": {}},
    "bindings": {"wg0": ["all"], "wg1": ["all"]},
    "clients": {name: {"interface": "wg0" if name < "c" else "wg1", "profile": "all"} for name in CLIENTS},
}


def compiled(domain, hub_is_router=False, ledger=ledgers.EMPTY):
    """Nobody was asked."""
    hub = "router1" if hub_is_router else "hub1"
    runners = {name: {"underlay_address": f"192.0.2.1{number}"} for number, name in RUNNERS.items()}
    inventory, faults = read({hub: {"underlay_address": "192.0.2.1"}}, runners, None, Others(routers=["router1"]))
    assert faults == []
    return compile_domain(parse(written(domain), "domain.yaml"), inventory, ledger, Run({}, offline=True))
