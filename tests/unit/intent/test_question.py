# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What is asked is one packet between ends that there are, or it is refused with everything that is wrong about it."""

from __future__ import annotations

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.intent.question import (
    MOST_PEERS,
    MOST_SERVICES,
    Question,
    Service,
    Table,
    question,
    table,
)
from ansible_collections.weft.overlay.plugins.module_utils.model.errors import QuestionError

PEERS = ["api", "db", "web"]


def asked(source, destination, protocol, port=None, message_type=None):
    said = {"from": source, "to": destination, "protocol": protocol, "port": port, "type": message_type}
    return question(said, PEERS)


def refused(call, *arguments):
    with pytest.raises(QuestionError) as error:
        call(*arguments)
    return str(error.value).splitlines()


def test_a_port_is_a_number_in_whatever_type_it_comes():
    for port in (5432, "5432"):
        assert asked("api", "db", "TCP", port) == Question("api", "db", Service("TCP", 5432))


def test_a_message_has_a_type():
    assert asked("api", "db", "ICMP", message_type=0) == Question("api", "db", Service("ICMP", 0))
    assert str(Service("ICMP", 0)) == "ICMP type 0"
    assert str(Service("TCP", 80)) == "TCP 80"


def test_an_address_is_known_in_any_notation():
    assert asked("2001:DB8::0:1", "db", "TCP", 1).source == "2001:db8::1"


def test_both_ends_may_be_addresses():
    assert asked("192.0.2.1", "198.51.100.1", "UDP", 1) == Question("192.0.2.1", "198.51.100.1", Service("UDP", 1))


@pytest.mark.parametrize(
    ("said", "faults"),
    [
        (("wep", "xyz", "TCP", 1), ["from: wep is not below `peers`; did you mean web?"]),
        (("a b", "db", "TCP", 1), ['from: "a b" holds a blank']),
        (("127.0.0.1", "db", "TCP", 1), ["from: 127.0.0.1 is in 127.0.0.0/8"]),
        ((None, "db", "TCP", 1), ["from: is missing; give a peer name or an IP address"]),
        (("api", "db", "TPC", 1), ["protocol: TPC is not TCP or UDP or SCTP or ICMP or ICMPv6; did you mean TCP?"]),
        (("api", "db", "TCP"), ["port: is missing; a question about TCP needs it"]),
        (("api", "db", "ICMP"), ["type: is missing; a question about ICMP needs it"]),
        (("api", "db", "ICMP", 8), ["port: ICMP has no ports; give type"]),
        (("api", "db", "UDP", None, 8), ["type: UDP has no types of messages; give port"]),
        (("api", "db", "TCP", 65536), ["port: 65536 is not a port (1–65535)"]),
        (("api", "db", "ICMP", None, 256), ["type: 256 is not a type of ICMP message (0–255)"]),
        (("api", "2001:db8::1", "ICMP", None, 8), ["to: 2001:db8::1 never has ICMP; give protocol: ICMPv6"]),
        (("192.0.2.1", "2001:db8::1", "TCP", 1), ["to: no packet has 2001:db8::1 and 192.0.2.1 for its ends"]),
    ],
)
def test_what_is_no_packet_is_refused(said, faults):
    found = refused(asked, *said)
    assert all(line.startswith(fault) for line, fault in zip(found, faults)), found


def test_everything_that_is_wrong_is_told_at_once():
    found = refused(asked, "wep", "d b", "TPC", 0)
    assert [line.partition(":")[0] for line in found] == ["to", "protocol", "port", "from"]


def test_a_table_is_of_all_peers_unless_some_are_named():
    services = (Service("TCP", 443), Service("ICMPv6", 128))
    assert table(["TCP/443", "ICMPv6/128", "TCP/443"], [], PEERS) == Table(services, ("api", "db", "web"))
    assert table(["TCP/443"], ["web", "db", "web"], PEERS).peers == ("db", "web")


def test_what_a_table_cannot_be_of_is_told_at_once():
    assert refused(table, ["TCP", "XX/1", "ICMP/900", "TCP/a"], ["wep"], PEERS) == [
        "ports: TCP: port: is missing; a question about TCP needs it",
        "ports: XX/1: protocol: XX is not TCP or UDP or SCTP or ICMP or ICMPv6",
        "ports: ICMP/900: type: 900 is not a type of ICMP message (0–255)",
        "ports: TCP/a: port: a is not a port (1–65535), in decimal digits",
        "peers: wep is not below `peers`; did you mean web?",
    ]
    assert refused(table, [], [], PEERS) == ["ports: is empty; give some, as TCP/443 or ICMP/8"]


def test_a_table_has_an_end():
    many = [f"p{number}" for number in range(MOST_PEERS + 1)]
    services = [f"TCP/{port}" for port in range(1, MOST_SERVICES + 2)]
    found = table(services[:MOST_SERVICES], many[:MOST_PEERS], many)
    assert (len(found.services), len(found.peers)) == (MOST_SERVICES, MOST_PEERS)
    peers, ports = refused(table, services, [], many)
    assert peers.startswith(f"peers: {MOST_PEERS + 1} are more than the {MOST_PEERS} that a table holds; name ")
    assert ports.startswith(f"ports: {MOST_SERVICES + 1} are more than the {MOST_SERVICES} that are answered at once; ")
