# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Ports, containers and what is bound: what the guard does about them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.weft.overlay.plugins.module_utils.diff.bridge_port import decide, halves, port_of, settled
from ansible_collections.weft.overlay.plugins.module_utils.model.bridge_port import (
    Bind,
    BridgePort,
    Close,
    Hear,
    Keep,
    Open,
    Police,
    Speaker,
    Unbind,
)
from ansible_collections.weft.overlay.plugins.module_utils.model.policy import BOUND, HAS_ROUTER, PORTS, Attachment

BRIDGE = Attachment("br", 9, 1, PORTS)
BRIDGES = {"br": BRIDGE}
WEB, DB = ("10.1.0.2", "fd00::2"), ("10.1.0.3",)


MAC = "02:00:00:00:00:05"
OWN = frozenset((MAC,))


def port(number, space=None, opened=False, policed=True, macs=OWN, strict=True):
    found = BridgePort(number, f"veth{number}", "br", space, opened, macs=frozenset(macs), strict=strict)
    return found._replace(policed=port_of(found, BRIDGE) if policed else None)


def speaker(name, space, addresses, identity=0, bridge="br"):
    return Speaker(name, bridge, space, addresses, MAC, identity)


def steps(ports, speakers, bindings=None, bridges=None):
    decision = decide(ports, speakers, bindings or {}, bridges or BRIDGES)
    return [step for one in decision.steps for step in one], [one.number for one in decision.strangers]


def kinds(found):
    return [type(step) for step in found]


def test_a_port_is_policed_as_its_bridge_but_bound_and_without_ports_of_its_own():
    bridge = Attachment("br", 9, 1, PORTS | HAS_ROUTER)
    assert port_of(port(5), bridge) == Attachment("veth5", 9, 1, BOUND | HAS_ROUTER)


def test_a_new_port_is_judged_before_anybody_knows_whose_it_is_and_stays_closed():
    for speakers in (None, []):
        found, strangers = steps([port(5, 1, policed=False, macs=())], speakers)
        assert kinds(found) == [Hear, Police]
        assert strangers == [5]


def test_a_port_is_bound_then_judged_and_opened_last_with_its_mac_address_in_the_vlan_that_it_is_in_then():
    found, strangers = steps([port(5, 1, policed=False, macs=(), strict=False)], [speaker("web", 1, WEB)])
    assert found[:2] == [Bind(5, WEB[0], 0), Bind(5, WEB[1], 0)]
    assert kinds(found[2:]) == [Hear, Police, Keep, Open, Keep]
    assert found[4].macs == found[6].macs == OWN
    assert strangers == []


def test_a_port_without_a_gate_is_kept_to_its_mac_address_before_it_speaks():
    found, _strangers = steps([port(5, 1, None, macs=(), strict=False)], [speaker("web", 1, WEB)])
    assert kinds(found) == [Bind, Bind, Keep, Open]


def test_a_port_that_takes_other_mac_addresses_again_is_kept_from_it_without_docker():
    bindings = {(5, address): 0 for address in WEB}
    for changed in ({"strict": False}, {"macs": (MAC, "02:00:00:00:00:06 (loose)")}):
        found, strangers = steps([port(5, 1, True, **changed)], None, bindings)
        assert [(type(step), step.macs) for step in found] == [(Keep, OWN)]
        assert strangers == []


def test_a_port_whose_mac_address_the_bridge_forgot_is_left_as_it_is_until_docker_says_it():
    bindings = {(5, address): 0 for address in WEB}
    for macs in ((), (MAC + " (loose)",)):
        lost = port(5, 1, True, macs=macs, strict=False)
        assert steps([lost], None, bindings) == ([], [5])
        assert settled([lost], bindings) == frozenset()
        found, strangers = steps([lost], [speaker("web", 1, WEB)], bindings)
        assert [(type(step), step.macs) for step in found] == [(Keep, OWN)]
        assert strangers == []


def test_a_mac_address_that_is_anothers_by_docker_is_changed():
    bindings = {(5, address): 0 for address in WEB}
    wrong = port(5, 1, True, macs=("02:00:00:00:00:06",))
    found, _strangers = steps([wrong], [speaker("web", 1, WEB)], bindings)
    assert [(type(step), step.macs) for step in found] == [(Keep, OWN)]


def test_of_a_port_that_is_nobodys_any_more_the_bridge_knows_no_mac_address():
    found, _strangers = steps([port(5, 1, True)], [])
    assert [(type(step), getattr(step, "macs", None)) for step in found] == [(Keep, frozenset()), (Close, None)]
    assert steps([port(5, 1, False, macs=())], [])[0] == []


def test_all_ports_are_heard_before_any_judges_what_goes_out():
    before, after = halves(decide([port(5, 1, policed=False)], [speaker("web", 1, WEB)], {}, BRIDGES).steps[0])
    assert kinds(before) == [Bind, Bind, Hear]
    assert kinds(after) == [Police, Open, Keep]
    assert halves((Unbind(5),)) == ((Unbind(5),), ())


def test_who_speaks_already_is_left_alone_whatever_docker_says():
    bindings = {(5, address): 0 for address in WEB}
    for speakers in (None, [], [speaker("web", 1, WEB)]):
        assert steps([port(5, 1, opened=True)], speakers, bindings) == ([], [])
        assert steps([port(5, 1, opened=None)], speakers, bindings) == ([], [])


def test_a_bound_port_that_is_closed_waits_for_docker():
    bindings = {(5, address): 0 for address in WEB}
    assert steps([port(5, 1)], None, bindings) == ([], [5])
    assert kinds(steps([port(5, 1)], [speaker("web", 1, WEB)], bindings)[0]) == [Open, Keep]


def test_a_gate_that_is_new_closes_nobody_until_docker_was_asked():
    passing = port(5, 1, opened=True, policed=False)
    assert steps([passing], None) == ([], [5])
    assert kinds(steps([passing], [])[0]) == [Hear, Police, Keep, Close]
    assert kinds(steps([passing], [speaker("db", 1, DB)])[0]) == [Bind, Hear, Police, Open]


def test_a_port_follows_a_new_number_of_its_bridge_while_docker_is_silent():
    bindings = {(5, address): 0 for address in WEB}
    found, _strangers = steps([port(5, 1, opened=True)], None, bindings, {"br": BRIDGE._replace(number=10)})
    assert kinds(found) == [Hear, Police]
    assert found[1].attachment.number == 10


def test_what_is_bound_to_a_port_that_is_gone_is_unbound():
    assert steps([], None, {(5, WEB[0]): 0, (5, WEB[1]): 0}) == ([Unbind(5)], [])


def test_an_address_that_is_anothers_now_is_taken_from_who_had_it_first():
    bindings = {(5, DB[0]): 0}
    found, strangers = steps([port(5, 1, opened=True), port(6, 2)], [speaker("db", 2, DB)], bindings)
    assert found[0] == Unbind(5)
    assert kinds(found[1:]) == [Keep, Close, Bind, Open, Keep]
    assert strangers == [5]


def test_an_address_that_docker_took_away_is_unbound_and_an_identity_changes():
    bindings = {(5, WEB[0]): 0, (5, WEB[1]): 0}
    found, _strangers = steps([port(5, 1, opened=True)], [speaker("web", 1, WEB[:1], identity=300)], bindings)
    assert found == [Bind(5, WEB[0], 300), Unbind(5, WEB[1])]


def test_a_container_speaks_at_the_bridge_of_its_network_alone():
    other = BridgePort(6, "veth6", "br2", 1, False, port_of(BridgePort(6, "veth6", "br2"), BRIDGE), strict=True)
    found, strangers = steps([other], [speaker("web", 1, WEB)], bridges={**BRIDGES, "br2": BRIDGE})
    assert (found, strangers) == ([], [6])


def test_a_port_whose_other_end_is_here_is_nobodys():
    assert steps([port(5, None, macs=())], [speaker("web", 1, WEB)]) == ([], [5])


def test_settled_is_who_is_bound_judged_and_not_closed():
    bindings = {(number, f"10.1.0.{number}"): 0 for number in (2, 3, 4, 5, 6)}
    ports = [port(2, 1, True), port(3, 2, None), port(4, 3, False), port(5, 4, True, policed=False)]
    assert settled(ports, bindings) == {"10.1.0.2", "10.1.0.3"}


SPACES = st.one_of(st.none(), st.integers(0, 3))
PORTS_SEEN = st.lists(
    st.builds(
        port,
        st.integers(2, 6),
        SPACES,
        st.sampled_from([True, False, None]),
        st.booleans(),
        st.sets(st.sampled_from([MAC, MAC + " (loose)", "02:00:00:00:00:06"])),
        st.booleans(),
    ),
    unique_by=lambda one: one.number,
)
SINGLES = st.sampled_from(["10.1.0.2", "10.1.0.3", "10.1.0.4", "fd00::2"])
SPEAKERS = st.lists(
    st.builds(speaker, st.just("one"), st.integers(0, 3), st.lists(SINGLES, unique=True).map(tuple)),
    unique_by=lambda one: one.space,
)
BINDINGS = st.dictionaries(st.tuples(st.integers(2, 7), SINGLES), st.just(0))


def carried_out(ports, bindings, decision):
    """The world after all steps."""
    seen, left = {one.number: one for one in ports}, dict(bindings)
    for step in (step for one in decision.steps for step in one):
        if isinstance(step, Unbind):
            left = {key: v for key, v in left.items() if key[0] != step.number or step.address not in (None, key[1])}
        elif isinstance(step, Bind):
            left[step.number, step.address] = step.identity
        elif isinstance(step, Police):
            seen[step.number] = seen[step.number]._replace(policed=step.attachment)
        elif isinstance(step, Keep):
            seen[step.port.number] = seen[step.port.number]._replace(macs=step.macs, strict=True)
        elif isinstance(step, (Open, Close)) and step.port.opened is not None:
            seen[step.port.number] = seen[step.port.number]._replace(opened=isinstance(step, Open))
    return list(seen.values()), left


@given(PORTS_SEEN, st.one_of(st.none(), SPEAKERS), BINDINGS)
def test_once_is_enough_and_nobody_speaks_who_is_not_judged(ports, speakers, bindings):
    after, left = carried_out(ports, bindings, decide(ports, speakers, bindings, BRIDGES))
    assert decide(after, speakers, left, BRIDGES).steps == ()
    mine = {one.number: one for one in after}
    assert {number for number, _address in left} <= set(mine)
    for one in after:
        untouched = speakers is None and one in ports and one.opened and not any(key[0] == one.number for key in left)
        assert one.policed == port_of(one, BRIDGE) or untouched
        if one.opened and speakers is not None:
            assert any(key[0] == one.number for key in left)
    if speakers is not None:
        for one in after:
            owner = next((who for who in speakers if who.space == one.space and who.addresses), None)
            if owner is not None:
                assert {key[1] for key in left if key[0] == one.number} == set(owner.addresses)
                assert one.opened is not False
                assert (one.macs, one.strict) == (OWN, True)
