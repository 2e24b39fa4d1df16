# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Frames for a container stay its own: nobody draws them away by sending with its MAC address."""

from __future__ import annotations

import json
import socket
import subprocess
from typing import Any

import pytest
from scapy.packet import Packet, Raw

from ansible_collections.weft.overlay.plugins.module_utils.kernel.netlink import port_macs
from tests.integration.bpf.hosts import Neighbour, until
from tests.integration.bpf.names import ADDRESSES, FAMILIES, MACS
from tests.integration.bpf.place import packet, udp
from tests.integration.bpf.stage import ip
from tests.integration.bpf.test_ports import comes
from tests.integration.guard.docker import NETWORK
from tests.integration.guard.scene import Scene

both = pytest.mark.parametrize("family", FAMILIES)
OTHER = "02:00:00:00:00:66"


def bridge(words: str) -> None:
    subprocess.run(["bridge", *words.split()], check=True)


def read(words: str) -> list[dict[str, Any]]:
    run = subprocess.run(["bridge", "-json", "-details", *words.split()], capture_output=True, text=True, check=True)
    return json.loads(run.stdout)  # type: ignore[no-any-return]


def places(name: str) -> set[str]:
    """The ports to which the bridge sends frames for somebody."""
    return {entry["ifname"] for entry in read("fdb show br bridge") if entry["mac"] == MACS[name]}


def macs(name: str) -> dict[str, set[str]]:
    """The addresses that a port has, but for its own; how each has them."""
    seen = [entry for entry in read(f"fdb show brport {name}") if entry.get("state") != "permanent"]
    return {entry["mac"]: {entry.get("state", ""), *entry.get("flags", [])} for entry in seen}


def is_kept(name: str) -> bool:
    """To its own address alone."""
    port = read(f"link show dev {name}")[0]
    if port["learning"] or not port.get("locked", True):
        return False
    found = macs(name)
    return found.keys() == {MACS[name]} and {"static", "sticky"} <= found[MACS[name]]


@pytest.fixture
def pair(scene: Scene) -> Scene:
    """web and db run, and reach each other."""
    scene.docker.start()
    scene.guard()
    for name in ("web", "db"):
        scene.run(name)
    scene.comes_to_reach("web", "db")
    until(lambda: is_kept("web") and is_kept("db"), "they are not kept to their addresses")
    return scene


def lie(family: str) -> Packet:
    """An allowed packet from web to db, in a frame of db's."""
    found = packet("web", "db", family, udp(53)) / Raw(b"lie")
    found.src, found.dst = MACS["db"], MACS["host"]
    return found


@pytest.mark.fault("F49")
@both
@pytest.mark.parametrize("guarded", [True, False])
def test_a_frame_with_anothers_mac_address_draws_nothing_away(pair: Scene, family: str, guarded: bool) -> None:
    """Neither with the guard nor without."""
    if not guarded:
        pair.kill()
    web, db = pair.neighbours["web"], pair.neighbours["db"]
    with web.wire() as near, db.wire() as far:
        for _turn in range(3):
            near.send(bytes(lie(family)))
        assert places("db") == {"db"}
        honest = packet("web", "db", family, udp(53)) / Raw(b"honest")
        honest.dst = MACS["db"]
        near.send(bytes(honest))
        assert comes(far, b"honest")
    assert pair.reaches("web", "db", family)


def test_a_frame_with_a_mac_address_that_nobody_has_leads_nowhere(pair: Scene) -> None:
    with pair.neighbours["web"].wire() as near:
        near.send(bytes(_from(OTHER)))
    assert OTHER not in {entry["mac"] for entry in read("fdb show br bridge")}


def _from(mac: str) -> Packet:
    found = packet("web", "host", "ipv4", udp(53))
    found.src = mac
    return found


def test_a_locked_port_takes_frames_from_its_own_mac_address_alone(pair: Scene) -> None:
    if "locked" not in read("link show dev web")[0]:
        pytest.skip("this kernel's bridges cannot lock ports, or `bridge` does not say so")
    with pair.neighbours["web"].wire() as near, pair.neighbours["db"].wire() as far:
        for mac, passes in ((MACS["web"], True), (OTHER, False), (MACS["db"], False), (MACS["web"], True)):
            frame = packet("web", "db", "ipv4", udp(53)) / Raw(mac.encode())
            frame.src, frame.dst = mac, MACS["db"]
            near.send(bytes(frame))
            assert comes(far, mac.encode()) is passes, mac


@both
def test_without_locks_the_entries_of_others_are_safe(pair: Scene, family: str) -> None:
    """As on kernels before 5.18."""
    pair.kill()
    for name in ("web", "db"):
        bridge(f"link set dev {name} locked off")
    with pair.neighbours["web"].wire() as near:
        near.send(bytes(lie(family)))
    assert places("db") == {"db"}
    assert pair.reaches("web", "db", family)


def test_not_even_a_port_that_nobody_saw_yet_draws_frames_away(pair: Scene) -> None:
    """Which learns, as the kernel makes it."""
    pair.kill()
    pair.neighbours["far"] = Neighbour("far")
    frame = packet("far", "host", "ipv4", udp(53))
    frame.src = MACS["db"]
    with pair.neighbours["far"].wire() as near:
        near.send(bytes(frame))
    assert places("db") == {"db"}
    assert pair.reaches("web", "db")


def test_what_was_changed_by_hand_is_mended(pair: Scene) -> None:
    for words in (
        "link set dev web learning on",
        f"fdb add {OTHER} dev web master static",
        f"fdb del {MACS['web']} dev web master",
        f"fdb replace {MACS['web']} dev db master static",
        "link set dev web locked off",
    ):
        bridge(words)
        ip("link set web alias touched")
        until(lambda: is_kept("web") and is_kept("db"), f"{words}: {macs('web')}, {macs('db')}, {pair.said}")
    assert pair.reaches("web", "db")


def test_without_docker_a_port_is_mended_as_far_as_the_bridge_knows(pair: Scene) -> None:
    pair.docker.stop()
    for words in ("link set dev web learning on", f"fdb add {OTHER} dev web master static"):
        bridge(words)
        ip("link set web alias touched")
        until(lambda: is_kept("web"), f"{words}: {macs('web')}")
    assert pair.reaches("web", "db")


def test_containers_that_ran_before_the_guard_did_are_kept_to_their_addresses(scene: Scene) -> None:
    """And what was learned of them before is forgotten."""
    scene.docker.start()
    for name in ("web", "db"):
        scene.run(name)
    with scene.neighbours["web"].wire() as near:
        near.send(bytes(_from(OTHER)))
    until(lambda: OTHER in macs("web"), "nothing was learned, so nothing is tested")
    scene.guard()
    assert is_kept("web")
    assert is_kept("db")


def test_a_container_that_changes_its_own_mac_address_has_no_network(pair: Scene) -> None:
    """It may, with NET_ADMIN; the others notice nothing."""
    if "locked" not in read("link show dev web")[0]:
        pytest.skip("this kernel's bridges cannot lock ports, or `bridge` does not say so")
    pair.run("far")
    pair.neighbours["web"].run("ip", "link", "set", "port", "address", OTHER)
    assert not pair.reaches("web", "db")
    assert is_kept("db")
    pair.neighbours["web"].run("ip", "link", "set", "port", "address", MACS["web"])
    pair.comes_to_reach("web", "db")


def test_an_address_that_is_anothers_now_takes_the_mac_address_with_it(pair: Scene) -> None:
    """web was stopped in a hurry, its port is still there."""
    pair.docker.running.pop("web")
    far = pair.plug("far")._replace(ends={NETWORK: ADDRESSES["web"]})
    pair.docker.run(far)
    until(lambda: pair.bound().get("far") == set(ADDRESSES["web"]), "far is not bound")
    until(lambda: is_kept("far") and not macs("web"), f"{macs('web')}")


def test_a_container_whose_mac_address_docker_does_not_say_stays_closed_and_that_is_said(pair: Scene) -> None:
    pair.docker.run(pair.plug("far")._replace(mac=""))
    until(lambda: any("MAC address" in line for line in pair.said), f"{pair.said}")
    assert "far" not in pair.bound()


def test_a_port_that_is_released_learns_again(pair: Scene) -> None:
    pair.kill()
    port_macs.release(["web"])
    port = read("link show dev web")[0]
    assert port["learning"]
    assert not port.get("locked", False)
    assert not macs("web")
    assert is_kept("db")
    with pair.neighbours["web"].socket(socket.AF_INET, socket.SOCK_DGRAM) as mouth:
        mouth.sendto(b"here", (ADDRESSES["host"][0], 53))
    until(lambda: MACS["web"] in macs("web"), "nothing is learned")
