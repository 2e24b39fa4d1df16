# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Domains with a WireGuard plane that hold, as their users would write them, for tests to change."""

from __future__ import annotations

import ipaddress

import yaml
from hypothesis import strategies as st

NAME = st.text(st.sampled_from("abcXYZ019-_."), min_size=1, max_size=8).map("c{}".format)
TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=12)
LABELS = st.dictionaries(
    st.sampled_from(["team", "example.net/floor", "x.y"]), st.sampled_from(["", "1", "true", "a-b"])
)
MOMENTS = ["2027-01-31", "2099-12-31", "2030-06-30T18:00:00+02:00", "2026-01-01T00:00:00Z"]
KEYS = [
    "q1sKBbMWJYQZ8n8rkM9dC1p4iVwcFPiTBHwYd8lPmGA=",
    "kQxPk9bO5C8mJb6mC0mS0p1hQn3dT0hT0cVq5wY1rXw=",
    "AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
]


class _Plain(yaml.SafeDumper):
    def ignore_aliases(self, data):  # noqa: ARG002
        """Equal values are written twice: domains have no aliases."""
        return True


def written(domain, **options):
    """A domain as YAML."""
    return yaml.dump(domain, Dumper=_Plain, allow_unicode=True, sort_keys=False, **options)


def subset(draw, whole):
    return {key: value for key, value in whole.items() if draw(st.booleans())}


@st.composite
def families(draw, four, six):
    """A pair of which at least one is there."""
    return draw(st.sampled_from([{"ipv4": four}, {"ipv6": six}, {"ipv4": four, "ipv6": six}]))


@st.composite
def interfaces(draw, number):
    subnets = draw(families(f"192.168.{200 + number}.0/24", f"fd00:{number + 1}::/64"))
    optional = {
        "lan": draw(st.permutations(["192.168.20.0/24", "fd5e:20::/64"])),
        "masquerade": draw(st.sampled_from(["nothing", "internet", "everything"])),
        "implementation": "userspace",
        "mtu": draw(st.integers(1280, 65475)),
        "keepalive": draw(st.integers(0, 65535)),
        "dns": ["192.168.20.1"] if "ipv4" in subnets else ["fd00::53"],
        "zone": "public",
        "queue": draw(st.integers(1, 100000)),
        "threads": draw(st.integers(1, 1024)),
    }
    return {
        "server": draw(st.sampled_from(["router1", "nas1"])),
        "endpoint": {
            "host": draw(st.sampled_from(["vpn.example.net", "198.51.100.7", "2001:db8::7"])),
            "port": 51820 + number,
        },
        "subnets": subnets,
        "internet": True,
        **subset(draw, optional),
    }


@st.composite
def profiles(draw):
    found = {"tunnel": "split", "subnets": ["198.51.100.0/24"], "exclude": ["10.0.0.0/8", "fc00::/7"]}
    return {**subset(draw, found), **draw(st.sampled_from([{}, {"internet": True}, {"clients": True}]))}


@st.composite
def clients(draw, number, interface, subnets, profile):
    key, host = {"public_key": KEYS[number % 3]}, {"host": f"laptop{number}"}
    pinned = {
        family: str(ipaddress.ip_network(network)[2 + number])
        for family, network in subnets.items()
        if draw(st.booleans())
    }
    optional = {
        "labels": draw(LABELS),
        "expires": draw(st.sampled_from(MOMENTS)),
        "owner": draw(TEXT),
        "preshared": draw(st.booleans()),
    }
    return {
        "interface": interface,
        "profile": profile,
        **subset(draw, optional),
        **draw(st.sampled_from([{}, host, key if number < 3 else {}])),
        **({"addresses": pinned} if pinned else {}),
    }


@st.composite
def domains(draw):
    links = {f"wg{number}": draw(interfaces(number)) for number in range(draw(st.integers(1, 3)))}
    access = {name: draw(profiles()) for name in draw(st.lists(NAME, min_size=1, max_size=3, unique=True))}
    names = draw(st.lists(NAME, max_size=4, unique_by=str.casefold))
    people = {}
    for number, name in enumerate(names):
        link, profile = draw(st.sampled_from(sorted(links))), draw(st.sampled_from(sorted(access)))
        people[name] = draw(clients(number, link, links[link]["subnets"], profile))
    store = {"server": "nas1", **subset(draw, {"path": "/srv/a/b", "keep": 3, "identity": True})}
    return {
        "version": 1,
        "servers": {
            "router1": {"role": "router", "management": draw(families("192.168.20.1", "fd5e:20::1"))},
            "nas1": {"role": "nas", "management": draw(families("192.168.20.3", "fd5e:20::3"))},
        },
        "interfaces": links,
        "profiles": access,
        "bindings": {link: [*access] for link in links},
        **({"clients": people} if people or draw(st.booleans()) else {}),
        **draw(st.sampled_from([{}, {"store": store}])),
    }
