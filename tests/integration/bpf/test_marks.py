# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The mark says that a packet was judged, and of which network it is; and the egress hook, which believes it."""

from __future__ import annotations

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.model.policy import (
    EVERY_NETWORK,
    NO_ATTACHMENT,
    NOBODY,
    PEER,
    SHARED,
    TUNNEL,
    UNPOLICED,
    WORLD,
    Attachment,
    Endpoint,
    NetworkTag,
    Place,
    PolicyMaps,
)
from tests.integration.bpf.names import ADDRESSES, FAMILIES
from tests.integration.bpf.place import ATTACHMENTS, FIRST, SECOND, WEB, maps, packet, tcp, udp
from tests.integration.bpf.stage import Stage
from tests.integration.bpf.test_neighbours import arp

both = pytest.mark.parametrize("family", FAMILIES)

MASK = 0xFF000000
OTHERS = 0x00FFFFFF


@both
@pytest.mark.parametrize("before", [0, 0x00040000, OTHERS, MASK, 0xFFFFFFFF, 0x02000001])
def test_what_comes_in_has_the_mark_of_its_network(stage: Stage, family: str, before: int) -> None:
    """Whatever it came with; the bits of others stay."""
    found = stage.show(packet("web", "db", family, tcp()), "web", mark=before)
    assert found.mark == (before & OTHERS) | FIRST << 24
    found = stage.show(packet("far", "world", family, tcp()), "far", mark=before)
    assert found.mark == (before & OTHERS) | SECOND << 24


def _of_network(number: int) -> PolicyMaps:
    """The same place, where network 1 has another number."""

    def moved(place: Place, scope: int) -> Place:
        endpoint = place.endpoint
        return Place(
            scope, place.prefix, endpoint._replace(network=number if endpoint.network == FIRST else endpoint.network)
        )

    places = tuple(moved(place, place.scope) for place in maps().sources)
    seen = tuple(moved(place, number if place.scope == FIRST else place.scope) for place in maps().destinations)
    attachments = tuple(
        found._replace(network=number if found.network == FIRST else found.network) for found in maps().attachments
    )
    return maps()._replace(sources=places, destinations=seen, attachments=attachments)


@both
@pytest.mark.parametrize(("number", "tag"), [(1, 7), (254, 254), (255, 1), (1 << 31, 254)])
def test_what_marks_a_network_is_its_tag_on_this_host(stage: Stage, family: str, number: int, tag: int) -> None:
    stage.enforce(_of_network(number)._replace(tags=(NetworkTag(number, tag),)))
    found = stage.show(packet("web", "db", family, tcp()), "web", mark=OTHERS)
    assert (found.said, found.mark) == ("PASS", tag << 24 | OTHERS)
    # also once it is known
    for _turn in range(3):
        found = stage.show(packet("web", "db", family, udp()), "web", mark=OTHERS)
        assert (found.said, found.mark) == ("PASS", tag << 24 | OTHERS)
    # and where it is the receiver's
    found = stage.show(packet("world", "web", family, tcp(80)), "web", "egress")
    assert (found.said, found.mark) == ("PASS", tag << 24)


@both
def test_a_network_without_a_tag_has_no_routes_here_and_never_those_of_others(stage: Stage, family: str) -> None:
    stage.enforce(_of_network(1000)._replace(tags=(NetworkTag(SECOND, 1000 % 256),)))
    found = stage.show(packet("web", "db", family, tcp()), "web", mark=OTHERS)
    assert (found.said, found.source, found.mark) == ("UNREADY", WEB, OTHERS)
    assert stage.show(packet("host", "web", family, tcp(80)), "web", "egress").said == "UNREADY"
    assert stage.show(packet("far", "world", family, tcp()), "far").mark == (1000 % 256) << 24


@both
def test_whoever_is_of_no_network_has_no_tag(stage: Stage, family: str) -> None:
    """Neither of two who speak to each other is a peer, on an interface of several networks."""
    world = Place(ATTACHMENTS["web"], "::/0", Endpoint(WORLD, WORLD, 0, UNPOLICED))
    attachment = Attachment("web", ATTACHMENTS["web"], 0, 0)
    stage.enforce(maps()._replace(sources=(*maps().sources, world), attachments=(attachment,)))
    found = stage.show(packet("world", "192.0.2.9" if family == "ipv4" else "2001:db8::9", family, udp()), "web")
    assert (found.said, found.mark) == ("PASS", 0xFF << 24)


def test_what_neighbours_say_is_marked_as_judged(stage: Stage) -> None:
    assert stage.show(arp("web", "db"), "web", mark=1).mark == 0xFF000001


@both
def test_what_is_dropped_and_what_is_observed(stage: Stage, family: str) -> None:
    assert stage.show(packet("web", "db", family, tcp(9)), "web", mark=5).mark == 5
    assert stage.show(packet("web", "db", family, tcp(23)), "web").mark == FIRST << 24


@both
@pytest.mark.parametrize("mark", [0x01000000, 0xFF000000, 0x80000001])
def test_what_was_judged_where_it_came_in_is_not_judged_again(stage: Stage, family: str, mark: int) -> None:
    found = stage.show(packet("web", "db", family, tcp(9)), "db", "egress", mark, by="web")
    assert (found.said, found.mark) == ("PASS", mark)


@both
@pytest.mark.parametrize("mark", [0x01000000, 0xFF000000, 0x80000001])
def test_what_leaves_by_a_tunnel_leaves_without_our_mark(stage: Stage, family: str, mark: int) -> None:
    """Judged before, or here: the tunnel's own packets would go by the table of the network that they carry."""
    flagged = [found._replace(flags=found.flags | TUNNEL) for found in maps().attachments]
    stage.enforce(maps()._replace(attachments=tuple(flagged)))
    found = stage.show(packet("web", "db", family, tcp(9)), "db", "egress", mark, by="web")
    assert (found.said, found.mark) == ("PASS", mark & OTHERS)
    found = stage.show(packet("host", "web", family, tcp(80)), "web", "egress", mark & OTHERS)
    assert (found.said, found.mark) == ("PASS", mark & OTHERS)
    # What comes in is tagged as anywhere.
    assert stage.show(packet("web", "db", family, tcp()), "web").mark == FIRST << 24
    stage.enforce(maps())


@pytest.mark.fault("F44")
@both
@pytest.mark.parametrize("mark", [0x01000000, 0xFF000000, 0x80000001])
def test_a_mark_says_nothing_of_what_came_in_by_no_interface_of_ours(stage: Stage, family: str, mark: int) -> None:
    """Somebody restored it, or the kernel reflected it: neither the host nor the world has a peer's rights by it."""
    for by in ("", "bare"):
        assert stage.show(packet("web", "db", family, tcp(9)), "db", "egress", mark, by).said == "SOURCE"
        assert stage.show(packet("host", "web", family, tcp(81)), "web", "egress", mark, by).said == "NO_RULE"
        found = stage.show(packet("host", "web", family, tcp(80)), "web", "egress", mark, by)
        assert (found.said, found.mark) == ("PASS", mark & OTHERS | FIRST << 24)


@both
@pytest.mark.parametrize("mark", [0, 0x00040000, OTHERS])
def test_what_was_not_is_judged_where_it_leaves(stage: Stage, family: str, mark: int) -> None:
    """Marks of others say nothing."""
    assert stage.show(packet("host", "web", family, tcp(81)), "web", "egress", mark).said == "NO_RULE"
    found = stage.show(packet("host", "web", family, tcp(80)), "web", "egress", mark)
    assert (found.said, found.mark) == ("PASS", mark | FIRST << 24)


@both
def test_nobody_is_a_peer_on_an_interface_that_is_not_policed(stage: Stage, family: str) -> None:
    for peer in ("db", "lan", "far", "web"):
        found = stage.show(packet(peer, "web", family, tcp(80)), "web", "egress")
        assert (found.said, found.source) == ("SOURCE", 0), peer


@both
def test_unless_the_maps_say_that_it_lives_there(stage: Stage, family: str) -> None:
    """The host itself may be a peer."""
    own = [place._replace(scope=NO_ATTACHMENT) for place in maps().sources if place.endpoint.identity == WEB]
    stage.enforce(maps()._replace(sources=(*maps().sources, *own)))
    assert stage.show(packet("web", "db", family, tcp()), "db", "egress").said == "PASS"
    found = stage.show(packet("web", "db", family, tcp(9)), "db", "egress")
    assert (found.said, found.source) == ("NO_RULE", WEB)


@both
def test_what_the_maps_say_that_nobody_is_there(stage: Stage, family: str) -> None:
    length = 128 if family == "ipv6" else 32
    hole = Place(NO_ATTACHMENT, f"{ADDRESSES['world'][family == 'ipv6']}/{length}", Endpoint(NOBODY, 0, 0, 0))
    stage.enforce(maps()._replace(sources=(*maps().sources, hole)))
    assert stage.show(packet("world", "web", family, tcp(80)), "web", "egress").said == "SOURCE"


@both
def test_an_interface_of_several_networks_finds_the_receivers(stage: Stage, family: str) -> None:
    """By the only peer who has the address."""
    attachment = Attachment("web", ATTACHMENTS["web"], 0, 0)
    stage.enforce(maps()._replace(attachments=(attachment, *maps().attachments[1:])))
    assert stage.show(packet("host", "web", family, tcp(80)), "web", "egress").said == "PASS"
    assert stage.show(packet("host", "web", family, tcp(81)), "web", "egress").said == "NO_RULE"


@both
def test_an_address_of_several_networks_needs_an_interface_of_one(stage: Stage, family: str) -> None:
    """Two tenants, one address."""
    shared = tuple(
        place._replace(endpoint=Endpoint(NOBODY, 0, 0, SHARED))
        if (place.scope, place.endpoint.identity) == (EVERY_NETWORK, WEB)
        else place
        for place in maps().destinations
    )
    twin = tuple(
        place._replace(scope=SECOND, endpoint=Endpoint(300, 300, SECOND, PEER))
        for place in maps().destinations
        if (place.scope, place.endpoint.identity) == (FIRST, WEB)
    )
    stage.enforce(maps()._replace(destinations=(*shared, *twin)))
    assert stage.show(packet("host", "web", family, tcp(80)), "web", "egress").said == "PASS"
    # in the other network it is another peer, whom no rule mentions
    found = stage.show(packet("host", "web", family, tcp(80)), "far", "egress")
    assert (found.said, found.destination) == ("NO_RULE", 300)
    # and where several networks are, nobody can tell
    attachment = Attachment("web", ATTACHMENTS["web"], 0, 0)
    stage.enforce(maps()._replace(destinations=(*shared, *twin), attachments=(attachment,)))
    assert stage.show(packet("host", "web", family, tcp(80)), "web", "egress").said == "NETWORK"


@both
def test_two_who_are_no_peers_have_no_policy(stage: Stage, family: str) -> None:
    assert stage.show(packet("host", "spare", family, udp(9)), "web", "egress").said == "PASS"
    assert stage.show(packet("world", "spare", family, udp(9)), "web", "egress").said == "PASS"
