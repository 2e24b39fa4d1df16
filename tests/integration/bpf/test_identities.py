# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""An address that is bound with an identity is that peer's, in both directions, whatever the policy says of it."""

from __future__ import annotations

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf.bindings import bound, unbind
from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf.layout import pack
from tests.integration.bpf.names import FAMILIES
from tests.integration.bpf.place import DB, FAR, LAN, WEB, answer, maps, packet, query, tcp, udp
from tests.integration.bpf.ports import grant, tied, warm
from tests.integration.bpf.stage import Stage
from tests.integration.bpf.test_neighbours import arp

both = pytest.mark.parametrize("family", FAMILIES)

# An identity that no policy knows any more.
GONE = 4000


@both
def test_an_address_is_of_the_peer_that_it_is_bound_to(ports: Stage, family: str) -> None:
    """spare is nobody's by the policy, and may not even speak there."""
    asked = packet("spare", "db", family, query(family, "tcp"))
    grant(ports, "spare", LAN, "bare")
    assert ports.show(asked, "bare").said == "PASS"
    found = ports.show(packet("spare", "world", family, tcp()), "bare")
    assert (found.said, found.source) == ("NO_RULE", LAN)
    grant(ports, "spare", WEB, "bare")
    assert ports.show(packet("spare", "world", family, tcp()), "bare").said == "PASS"
    grant(ports, "spare", 0, "bare")
    assert ports.show(asked, "bare").said == "SOURCE"


@both
def test_and_so_it_is_for_those_who_send_to_it(ports: Stage, family: str) -> None:
    grant(ports, "web")
    assert ports.show(packet("web", "spare", family, udp(53)), "web").said == "PASS"  # of the world
    grant(ports, "spare", DB, "bare")
    found = ports.show(packet("web", "spare", family, tcp(9)), "web")
    assert (found.said, found.source, found.destination) == ("NO_RULE", WEB, DB)
    assert ports.show(packet("web", "spare", family, tcp(5432)), "web").said == "PASS"
    assert ports.show(packet("spare", "web", family, answer(family, "tcp")), "bare").said == "PASS"
    # also for the host, which asks whoever it is in its network
    assert ports.show(packet("host", "spare", family, udp(53)), "web", "egress").said == "PASS"
    assert ports.show(packet("host", "spare", family, udp(54)), "web", "egress").said == "NO_RULE"
    unbind(ports.folder, ports.devices["bare"])
    assert ports.show(packet("web", "spare", family, tcp(9)), "web").said == "PASS"


@both
def test_an_identity_of_another_network_is_reached_by_its_own(ports: Stage, family: str) -> None:
    grant(ports, "web")
    grant(ports, "spare", FAR, "bare")
    found = ports.show(packet("web", "spare", family, udp(53)), "web")
    assert (found.said, found.destination) == ("NETWORK", FAR)
    found = ports.show(packet("spare", "web", family, udp(53)), "bare")
    assert (found.said, found.source) == ("NETWORK", FAR)


@both
def test_an_identity_that_the_policy_does_not_know_has_no_rights(ports: Stage, family: str) -> None:
    """Neither its own, nor those of the world."""
    grant(ports, "web")
    grant(ports, "spare", GONE, "bare")
    assert ports.show(packet("spare", "db", family, tcp()), "bare").said == "SOURCE"
    found = ports.show(packet("web", "spare", family, udp(53)), "web")
    assert (found.said, found.destination) == ("UNREADY", GONE)


@both
def test_a_flow_that_is_known_ends_when_its_other_end_is_somebody_else(ports: Stage, family: str) -> None:
    grant(ports, "web")
    grant(ports, "db")
    warm(ports, family)
    grant(ports, "db", FAR)
    assert ports.show(packet("web", "db", family, udp()), "web").said == "NETWORK"
    assert ports.show(packet("db", "web", family, answer(family, "udp")), "db").said == "NETWORK"


@both
def test_nobody_else_has_an_address_that_is_bound_with_an_identity(ports: Stage, family: str) -> None:
    """On the host itself, or behind an interface that is not policed, anybody has an address that is no peer's."""
    spoken = packet("world", "web", family, tcp(80))
    assert ports.show(spoken, "web", "egress").said == "PASS"
    assert ports.show(arp("world", "web", 2), "web", "egress").said == "PASS"
    grant(ports, "world", LAN, "bare")
    assert ports.show(spoken, "web", "egress").said == "SOURCE"
    assert ports.show(arp("world", "web", 2), "web", "egress").said == "NEIGHBOUR"


@both
def test_a_new_policy_judges_by_what_is_bound(ports: Stage, family: str) -> None:
    grant(ports, "web")
    grant(ports, "spare", DB, "bare")
    before = bound(ports.folder)
    asked = packet("web", "spare", family, tcp())
    assert ports.show(asked, "web").said == "PASS"
    for verdicts, said in (((), "NO_RULE"), (maps().verdicts, "PASS")) * 2:
        ports.enforce_tables(pack(tied()._replace(verdicts=verdicts)))
        assert ports.show(asked, "web").said == said
        assert bound(ports.folder) == before


def test_of_two_who_have_an_address_the_one_that_stays_is_meant(ports: Stage) -> None:
    grant(ports, "web")
    asked = packet("web", "spare", "ipv4", tcp(9))
    grant(ports, "spare", LAN, "bare")
    grant(ports, "spare", DB, "db")
    assert ports.show(asked, "web").destination == DB
    unbind(ports.folder, ports.devices["db"])
    assert ports.show(asked, "web").destination == LAN
    unbind(ports.folder, ports.devices["bare"])
    assert ports.show(asked, "web").said == "PASS"  # of the world
