# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Which peer a container is by its labels, and what the guard binds it to for that."""

from __future__ import annotations

from ansible_collections.weft.overlay.plugins.module_utils.diff.bridge_port import decide, port_of
from ansible_collections.weft.overlay.plugins.module_utils.diff.labelled import named
from ansible_collections.weft.overlay.plugins.module_utils.model.bridge_port import Bind, BridgePort, Open, Speaker
from ansible_collections.weft.overlay.plugins.module_utils.model.labelled import Labelled
from ansible_collections.weft.overlay.plugins.module_utils.model.policy import PORTS, Attachment

BRIDGE = Attachment("br", 9, 1, PORTS)
WEB = Labelled(300, "web", (("app", "web"), ("env", "prod")), ("10.1.0.0/16",), ("10.1.0.9/32", "10.1.8.0/24"))
ANY_PROD = Labelled(301, "any-prod", (("env", "prod"),), ("10.1.0.0/16",))
MAC = "02:00:00:00:00:05"
ONE = Speaker("one", "br", 7, ("10.1.0.2",), MAC)
LABELS = {"app": "web", "env": "prod", "more": "x"}


def said(labels, *peers, addresses=("10.1.0.2",)):
    found = named(ONE._replace(addresses=addresses), labels, peers)
    return [found.identity_of(address) for address in addresses], found.says


def test_a_container_is_the_peer_all_of_whose_labels_it_has():
    assert said(LABELS, WEB) == ([300], " as web")


def test_a_container_without_one_of_them_or_with_another_value_is_nobody():
    for labels in ({}, {"app": "web"}, {"app": "web", "env": "test"}, {"env": "prod"}):
        assert said(labels, WEB) == ([0], "")


def test_a_container_that_fits_two_is_neither_and_that_is_said():
    identities, words = said(LABELS, WEB, ANY_PROD)
    assert identities == [0]
    assert "web, any-prod" in words


def test_an_address_that_a_peer_declares_is_that_peers_whatever_the_labels_and_that_is_said():
    for address in ("10.1.0.9", "10.1.8.77"):
        identities, words = said(LABELS, WEB, addresses=(address,))
        assert identities == [0]
        assert words == f", but not as web ({address} is declared to be another peer's)"


def test_an_address_out_of_the_peers_prefixes_is_not_its_own_and_the_others_are():
    identities, words = said(LABELS, WEB, addresses=("10.1.0.2", "fd00::2"))
    assert identities == [300, 0]
    assert words == " as web (fd00::2 is not in 10.1.0.0/16)"


def test_the_guard_binds_a_new_container_to_its_peer_before_anything_is_opened():
    port = BridgePort(5, "veth5", "br", 7, opened=False)
    speaker = named(ONE._replace(addresses=("10.1.0.2", "fd00::2")), LABELS, (WEB,))
    steps = decide([port], [speaker], {}, {"br": BRIDGE}).steps[0]
    assert steps[:2] == (Bind(5, "10.1.0.2", 300), Bind(5, "fd00::2", 0))
    (opened,) = (step for step in steps if isinstance(step, Open))
    assert str(opened) == "veth5: one (10.1.0.2, fd00::2) as web (fd00::2 is not in 10.1.0.0/16) may speak"


def test_a_container_that_speaks_is_bound_anew_where_its_labels_mean_another_peer_now():
    port = BridgePort(5, "veth5", "br", 7, opened=True, macs=frozenset((MAC,)), strict=True)
    port = port._replace(policed=port_of(port, BRIDGE))
    for held, labels, wanted in ((0, LABELS, 300), (300, {}, 0), (301, LABELS, 300)):
        steps = decide([port], [named(ONE, labels, (WEB,))], {(5, "10.1.0.2"): held}, {"br": BRIDGE}).steps[0]
        assert steps == (Bind(5, "10.1.0.2", wanted),)
    assert decide([port], [named(ONE, LABELS, (WEB,))], {(5, "10.1.0.2"): 300}, {"br": BRIDGE}).steps == ()
