# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A record's numbers become the names of the policy that judged, and where there are none they stay numbers."""

from __future__ import annotations

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.edge.denials.names import Generations, Names, moment
from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf.records import Event
from ansible_collections.weft.overlay.plugins.module_utils.model.audit import Denial
from ansible_collections.weft.overlay.plugins.module_utils.model.policy import (
    REASONS,
    WORLD,
    Attachment,
    Identity,
    NetworkName,
    PolicyMaps,
    RuleName,
)

WEB, DB, RED = 256, 257, 1
MAPS = PolicyMaps(
    networks=(NetworkName(RED, "red"),),
    identities=(Identity(WORLD, "world", 0), Identity(WEB, "web", RED), Identity(DB, "db", RED)),
    rules=(RuleName("web-in", "ingress", 0), RuleName("web-in", "ingress", 2)),
    attachments=(Attachment("wg0", 3, RED, 1),),
)
EVENT = Event(
    time=42_000,
    source="10.20.0.2",
    destination="10.20.0.3",
    source_identity=WEB,
    destination_identity=DB,
    network=RED,
    attachment=3,
    interface=7,
    rule=2,
    length=60,
    source_port=40000,
    destination_port=22,
    ethertype=0x0800,
    protocol=6,
    type=0,
    reason=2,
    observed=0,
    direction=0,
    generation=5,
)
BEGAN = 1_795_288_821_000_000_000  # 2026-11-21T19:20:21Z


def denial(link: str | None = "wg0", **fields: object) -> Denial:
    return Names("hub", MAPS).denial(EVENT._replace(**fields), BEGAN, lambda _index: link)


def test_a_record_says_who_and_what_and_why_by_name():
    assert denial() == Denial(
        time="2026-11-21T19:20:21.000042Z",
        host="hub",
        reason="RULE",
        source="web",
        destination="db",
        interface="wg0",
        direction="ingress",
        length=60,
        observed=False,
        network="red",
        source_address="10.20.0.2",
        source_port=40000,
        destination_address="10.20.0.3",
        destination_port=22,
        protocol="TCP",
        rule="policies.web-in.ingress[2]",
    )


def test_what_has_no_name_says_its_number():
    found = denial(
        source_identity=300,
        destination_identity=301,
        network=9,
        rule=3,
        reason=99,
        attachment=4,
        link=None,
        protocol=47,
    )
    assert (found.source, found.destination, found.network) == ("identity 300", "identity 301", "network 9")
    assert (found.rule, found.reason, found.interface) == ("rule 3", "reason 99", "interface 7")
    assert (found.protocol, found.source_port, found.destination_port) == ("protocol 47", None, None)


def test_every_reason_has_its_name():
    assert [denial(reason=reason.number).reason for reason in REASONS] == [reason.name for reason in REASONS]


def test_what_nobody_is_and_what_was_not_read_is_not_told():
    found = denial(source_identity=0, network=0, rule=0, source="", destination="", protocol=0, ethertype=0)
    assert found == denial()._replace(
        source="unknown",
        network=None,
        rule=None,
        source_address=None,
        destination_address=None,
        source_port=None,
        destination_port=None,
        protocol=None,
    )


@pytest.mark.parametrize(
    ("protocol", "kind", "says"), [(1, 8, ("ICMP", 8)), (58, 128, ("ICMPv6", 128)), (17, 0, ("UDP", None))]
)
def test_messages_of_icmp_have_a_type_and_no_ports(protocol, kind, says):
    found = denial(protocol=protocol, type=kind)
    assert (found.protocol, found.type) == says
    assert (found.source_port is None) == (found.type is not None)


def test_what_is_not_ip_says_what_it_is():
    assert denial(ethertype=0x0806, protocol=0).protocol == "ARP"
    assert denial(ethertype=0x88CC, protocol=0).protocol == "ethertype 0x88cc"


def test_an_interface_that_is_gone_is_called_as_the_plan_calls_it():
    assert denial(link=None).interface == "wg0"
    assert denial(link=None, attachment=0).interface == "interface 7"
    assert denial(direction=1).direction == "egress"
    assert denial(observed=1).observed is True


def test_moments_are_utc_to_the_microsecond():
    assert moment(0) == "1970-01-01T00:00:00.000000Z"
    assert moment(BEGAN + 999_999_999) == "2026-11-21T19:20:21.999999Z"


OTHER = Names("hub", MAPS._replace(rules=(RuleName("a", "egress", 1), RuleName("b", "egress", 0))))


def rule(generations: Generations, generation: int) -> str | None:
    event = EVENT._replace(generation=generation % 256)
    names = generations.nearest(event)
    return names and names.denial(event, 0, lambda _index: None).rule


def test_a_rule_is_named_by_the_generation_that_judged():
    found = Generations()
    found.policy("old", Names("hub", MAPS))
    found.judges(5, "old")
    assert rule(found, 5) == "policies.web-in.ingress[2]"
    # The kernel has switched, the new plan is not stored yet.
    found.judges(6, "new")
    assert found.known(EVENT._replace(generation=6)) is None
    assert rule(found, 6) == "rule 2"
    found.policy("new", OTHER)
    assert (rule(found, 5), rule(found, 6)) == ("policies.web-in.ingress[2]", "policies.b.egress[0]")


def test_of_a_generation_that_was_not_seen_only_the_rule_is_a_number():
    found = Generations()
    found.policy("new", OTHER)
    found.judges(6, "new")
    names = found.nearest(EVENT)
    assert names is not None
    assert names.denial(EVENT, 0, lambda _index: None)[3:6] == ("web", "db", "wg0")
    assert rule(found, 5) == "rule 2"


def test_where_no_rule_decided_any_policy_that_knows_everybody_will_do():
    found = Generations()
    found.policy("old", Names("hub", MAPS))
    found.judges(5, "old")
    other = EVENT._replace(generation=6, rule=0)
    assert found.known(other) is found.newest()
    assert found.known(other._replace(source_identity=0, network=0)) is found.newest()
    for stranger in ({"source_identity": 300}, {"destination_identity": 300}, {"network": 9}, {"rule": 1}):
        assert found.known(other._replace(**stranger)) is None


def test_numbers_of_generations_that_come_again_are_not_mistaken():
    found = Generations()
    found.policy("old", Names("hub", MAPS))
    found.policy("new", OTHER)
    found.judges(5, "old")
    found.judges(5 + 256, "new")
    assert rule(found, 5) == "policies.b.egress[0]"
    found.judges(5 + 300, "old")
    assert rule(found, 5) == "rule 2"


def test_programs_that_are_loaded_anew_count_from_the_beginning():
    found = Generations()
    found.policy("old", Names("hub", MAPS))
    found.judges(9, "old")
    found.judges(1, "old")
    assert (rule(found, 9), rule(found, 1)) == ("rule 2", "policies.web-in.ingress[2]")


def test_before_a_policy_was_seen_nothing_can_be_named():
    assert Generations().nearest(EVENT) is None
    assert Generations().newest() is None
