# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""From an intent to a packet: what was compiled, packed and loaded does what the intent says, as somebody reads it who
asks every rule about every packet."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ansible_collections.weft.overlay.plugins.module_utils.compile.policy.host import Interface, with_interfaces
from ansible_collections.weft.overlay.plugins.module_utils.compile.policy.ledger import EMPTY
from ansible_collections.weft.overlay.plugins.module_utils.compile.policy.maps import compile_policy
from ansible_collections.weft.overlay.plugins.module_utils.model.marks import FIRST_TAG
from ansible_collections.weft.overlay.plugins.module_utils.model.policy import LAYER_3, NetworkTag, PolicyMaps
from tests.integration.bpf.stage import Stage
from tests.unit.compile.policy.reference import FOREIGN, NOBODY, Judgement, Reference
from tests.unit.compile.policy.tenancies import NETWORKS, domains, packets
from tests.unit.compile.policy.test_meaning import shadows_of

FEW = settings(
    database=None,
    max_examples=200,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
ICMP, TCP, UDP, ICMPV6, SCTP = 1, 6, 17, 58, 132


def _header(source: str, destination: str, protocol: int, size: int) -> bytes:
    ends = b"".join(ip_address(end).packed for end in (source, destination))
    if ":" in source:
        return struct.pack("!IHBB", 6 << 28, size, protocol, 64) + ends
    return struct.pack("!BBHHHBBH", 0x45, 0, 20 + size, 1, 0, 64, protocol, 0) + ends


def _bare(source: str, destination: str, protocol: int, port: int) -> bytes:
    """Without an Ethernet header. port: or type."""
    if protocol in (TCP, UDP, SCTP):
        data = struct.pack("!HHIIBBHI", 40000, port, 0, 0, 5 << 4, 2, 0, 0)
    elif protocol in (ICMP, ICMPV6):
        data = struct.pack("!BBHI", port, 0, 0, 0) + bytes(16)
    else:
        data = bytes(24)
    return _header(source, destination, protocol, len(data)) + data


@pytest.fixture(scope="module")
def theatre(_theatre: Stage) -> Stage:
    _theatre.add_links(*(f"of-{name}" for name in NETWORKS))
    return _theatre


def _host(compiled: PolicyMaps, reference: Reference) -> PolicyMaps:
    """An interface for each network, where all of its peers speak."""
    peers: dict[str, list[str]] = {}
    for peer in sorted(reference.tenancy.peers):
        peers.setdefault(reference.network_of(peer), []).append(peer)
    interfaces = {
        f"of-{name}": Interface(number, LAYER_3, tuple(peers.get(name, ())))
        for number, name in enumerate(sorted(reference.tenancy.networks), start=1)
    }
    found = with_interfaces(compiled, "host", interfaces)
    assert found.faults == ()
    # That of a network in which nobody is.
    numbers = {network.name: network.number for network in compiled.networks}
    tags = tuple(NetworkTag(number, tag) for tag, number in enumerate(sorted(numbers.values()), start=FIRST_TAG))
    return found.maps._replace(
        tags=tags,
        attachments=tuple(
            attachment._replace(network=numbers[attachment.interface[3:]]) for attachment in found.maps.attachments
        ),
    )


def _arrives(reference: Reference, network: str, source: str, destination: str) -> tuple[str, str]:
    """With which addresses a packet goes on."""
    behind = reference.behind(network, ip_address(destination))
    if behind is None:
        return source, destination
    return str(reference.seen(behind[0], network, ip_address(source))), str(behind[1])


def _ends(bare: bytes) -> tuple[object, object]:
    at, size = (8, 16) if bare[0] >> 4 == 6 else (12, 4)
    return ip_address(bare[at : at + size]), ip_address(bare[at + size : at + 2 * size])


Allocated = list[tuple[str, str, str, str]]


def _shown(found: object, seed: int, shadows: Allocated) -> Iterator[tuple[str, str, str, int, int]]:
    for network, source, destination, protocol, port in packets(found, seed, 60, shadows):
        wrong = ICMP if ":" in source else ICMPV6
        if network is not None and protocol != wrong and (":" in source) == (":" in destination):
            yield network, source, destination, protocol, port


def _is_taken_for_another(reference: Reference, network: str, source: str, destination: str, *, is_error: bool) -> bool:
    """Whether somebody else would be meant by a source, where a packet goes. Who reports an error may be anybody."""
    address, behind = ip_address(source), reference.behind(network, ip_address(destination))
    if behind is None:
        # A peer of another network, known by its own address, is in that one.
        other = reference.who(network, ip_address(destination))
        met = network if other in (NOBODY, FOREIGN) else reference.network_of(other)
        return reference.behind(met, address) is not None
    if reference.behind(network, address) is not None:
        return True
    if reference.seen(behind[0], network, address) != address:
        return False
    if reference.behind(behind[0], address) is not None:
        return True
    if is_error:
        return False
    reached = [name for name in reference.reached(behind[0]) if not reference.hides(behind[0], name, address)]
    networks = reference.tenancy.networks
    return any(address in ip_network(cidr) for name in reached for cidr in networks[name].cidrs)


def _expected(
    reference: Reference, network: str, source: str, destination: str, *rest: object
) -> tuple[str, Judgement]:
    """The hook where the packet is met, and what becomes of it there. A peer's is met where it comes in, everybody
    else's where it leaves."""
    held = reference.holders(ip_address(source), {network})
    judged = reference.judge(network, source, destination, *rest)
    if held:
        return "ingress", judged
    is_error = rest in ((ICMP, 3), (ICMPV6, 3))
    nobody = reference.who(network, ip_address(source)) == NOBODY and judged.source == NOBODY
    if nobody and not _is_taken_for_another(reference, network, source, destination, is_error=is_error):
        return "egress", judged
    return "egress", Judgement("deny", False, None, "SOURCE", NOBODY, FOREIGN)


@pytest.mark.fault("F37")
@FEW
@given(domain=domains(shadows=True), seed=st.integers(0, 1 << 32))
def test_the_kernel_does_with_every_packet_what_the_intent_says(theatre: Stage, domain: tuple, seed: int) -> None:
    tenancy, places, _numbers = domain
    compiled = compile_policy(tenancy, places, EMPTY)
    assert compiled.faults == ()
    reference = Reference(tenancy, places, (), shadows_of(compiled.maps))
    theatre.enforce(_host(compiled.maps, reference))
    for network, *packet in _shown(domain, seed, reference.allocated):
        hook, expected = _expected(reference, network, *packet)
        theatre.forget()
        theatre.records()
        found, after = theatre.cross(_bare(*packet), f"of-{network}", hook)
        ends = _arrives(reference, network, *packet[:2]) if found.passed else packet[:2]
        assert _ends(after) == tuple(map(ip_address, ends)), (network, packet, ends)
        said = (found.passed, found.observed, found.reason or None)
        wanted = (expected.verdict == "allow" or expected.observed, expected.observed, expected.reason)
        assert said == wanted, (network, packet, hook)
        for record in theatre.records():
            rule = tuple(compiled.maps.rules[record.rule - 1]) if record.rule else None
            assert rule == expected.rule, (network, packet)
