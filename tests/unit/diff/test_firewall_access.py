# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What holds of the gates whatever the clients are called and however many there are."""

from __future__ import annotations

import re
from ipaddress import ip_address

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.diff.firewall.iptables import Book, Chain, Rule, pages
from ansible_collections.weft.overlay.plugins.module_utils.diff.firewall.rules import label, needs_nat
from ansible_collections.weft.overlay.plugins.module_utils.diff.firewall.wanted import desired
from ansible_collections.weft.overlay.plugins.module_utils.model.access import Access, Reach
from ansible_collections.weft.overlay.plugins.module_utils.model.firewall import IPTABLES_NFT, NONE, Ruleset

# Every letter an interface's name may have, and as long as one may be.
ODD_NAMES = ("wg0", "wg-0", "wg.0", "wg_0", "0", "0.-x", "a.very-long_nam", "a_very-long.nam", "A.VERY-LONG_NAM")
LAST = (Rule("nobody", "", "-j DROP"),)


def crowd(link: str, clients: tuple[str, ...], number: int = 0) -> Access:
    reach = Reach("p" * 32, clients, ("192.0.2.0/24",), internet=True, host=True)
    return Access(
        link=link,
        port=51820 + number,
        subnets=("10.8.0.0/16", "fd08::/64"),
        addresses=("10.8.0.1", "fd08::1"),
        reaches=(reach,),
        internal=("10.0.0.0/8", "fc00::/7"),
        masquerade="internet",
        mtu=1420,
        zone="internal",
    )


def row(start: str, count: int) -> tuple[str, ...]:
    return tuple(str(ip_address(start) + number) for number in range(count))


def scattered(start: str, bits: int, count: int) -> tuple[str, ...]:
    """All different, as the factor is odd, and far apart."""
    return tuple(str(ip_address(start) + number * 0x9E3779B97F4A7C15 % (1 << bits)) for number in range(count))


def book(ipv6: bool, deepest: int = 6) -> Book:
    return Book("mangle", ipv6, "page", lambda path: "C" + "".join(format(value, "x") for value in path), deepest, LAST)


def walk(chains: tuple[Chain, ...], address: str) -> tuple[str, int]:
    """Where a packet with this source ends, and how many rules it was compared with until then."""
    rules = {chain.name: chain.rules for chain in chains}
    chain, compared = chains[0].name, 0
    while True:
        for rule in rules[chain]:
            compared += 1
            if matches(rule.match, address):
                break
        else:
            raise AssertionError(f"{address} falls off the end of {chain}")
        verb, target = rule.target.split()
        if verb == "-j":
            return target, compared
        chain = target


def matches(match: str, address: str) -> bool:
    if not match:
        return True
    wanted, _slash, mask = match.removeprefix("-s ").partition("/")
    bits = int(ip_address(mask)) if mask else -1
    return int(ip_address(address)) & bits == int(ip_address(wanted)) & bits


@pytest.mark.fault("F58")
@pytest.mark.parametrize("clients", [row("10.8.0.2", 1000), row("fd08::2", 1000)], ids=["ipv4", "ipv6"])
def test_a_thousand_clients_in_a_row_cost_at_most_forty_comparisons(clients: tuple[str, ...]) -> None:
    found = pages(
        book(":" in clients[0]), [(address, Rule("", f"-s {address}", f"-j {address}")) for address in clients]
    )
    costs = []
    for address in clients:
        target, compared = walk(found, address)
        assert target == address
        costs.append(compared)
    assert max(costs) <= 40


@pytest.mark.parametrize("deepest", [6, 1])
@pytest.mark.parametrize(
    "clients",
    [
        scattered("10.0.0.0", 24, 300),
        scattered("fd08::", 64, 300),
        tuple(f"10.8.{number}.1" for number in range(200)),
        ("10.8.0.2",),
        (),
    ],
)
def test_every_client_is_found_however_the_addresses_lie_and_nobody_else_is(
    clients: tuple[str, ...], deepest: int
) -> None:
    ipv6 = any(":" in address for address in clients)
    found = pages(book(ipv6, deepest), [(address, Rule("", f"-s {address}", f"-j {address}")) for address in clients])
    assert [walk(found, address)[0] for address in clients] == list(clients)
    strangers = {str(ip_address(address) + 0x10001) for address in clients} - set(clients)
    assert {walk(found, address)[0] for address in strangers} <= {"DROP"}
    assert len({chain.name for chain in found}) == len(found)


def test_names_of_chains_are_short_enough_and_different_whatever_the_links_are_called() -> None:
    clients = (*scattered("10.8.0.0", 16, 300), *scattered("fd08::", 64, 300))
    accesses = tuple(crowd(link, clients, number) for number, link in enumerate(ODD_NAMES))
    (table,) = desired(None, accesses, NONE)
    (chains,) = desired(None, accesses, IPTABLES_NFT)
    assert isinstance(table, Ruleset)
    assert isinstance(chains, Ruleset)
    names = re.findall(r"^\tchain (\S+) \{$", table.script, flags=re.MULTILINE)
    assert len(set(names)) == len(names)
    assert all(re.fullmatch("[a-z][A-Za-z0-9_]*", name) for name in names)
    for part in re.split(r"^[*#].*\n", chains.script, flags=re.MULTILINE):
        made = re.findall(r"^:(\S+) ", part, flags=re.MULTILINE)
        assert len(set(made)) == len(made)
        assert all(len(name) <= 28 for name in made)


def test_comments_fit_whatever_profiles_are_called() -> None:
    (table,) = desired(None, (crowd("a.very-long_nam", row("10.8.0.2", 3)),), NONE)
    assert isinstance(table, Ruleset)
    comments = re.findall('comment "(.*)"$', table.script, flags=re.MULTILINE)
    assert max(map(len, comments)) < 128


def test_no_two_links_have_one_label() -> None:
    assert label("wg0") == "wg0"
    assert len({label(name) for name in ODD_NAMES}) == len(ODD_NAMES)


@pytest.mark.parametrize(
    ("subnet", "is_needed"),
    [
        ("10.8.0.0/24", True),
        ("203.0.113.0/24", True),
        ("fd08::/64", True),
        ("fc00::/7", True),
        ("2001:db8::/64", False),
    ],
)
def test_global_ipv6_addresses_need_no_nat(subnet: str, is_needed: bool) -> None:
    assert needs_nat(subnet) is is_needed
