# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The guard at work: containers come, speak, lie and go; Docker and the guard itself come and go too.

This machine's bridges need no VLANs to be tested here: tests/kernel/test_guard.py has the gate.
"""

from __future__ import annotations

import signal
import socket
import threading
import time

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf import attach, support
from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf.hooks import CLSACT, TCX
from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf.records import counters
from ansible_collections.weft.overlay.plugins.module_utils.model.policy import BOUND
from tests.integration.bpf.hooked import take_out
from tests.integration.bpf.hosts import Neighbour, until
from tests.integration.bpf.names import ADDRESSES, FAMILIES
from tests.integration.bpf.stage import REASON_NAMES, ip
from tests.integration.bpf.ways import go
from tests.integration.guard.docker import NETWORK, Container
from tests.integration.guard.scene import NUMBER, Scene

both = pytest.mark.parametrize("family", FAMILIES)


def reasons(scene: Scene) -> set[str]:
    return {REASON_NAMES[found.reason] for found in counters(scene.stage.folder)}


def is_judged(scene: Scene, name: str) -> bool:
    """At both of its hooks, as a port."""
    found = attach.look(scene.stage.folder, name)
    return found.policed == (NUMBER, 1, BOUND) and len(found.attached) == 2


@pytest.fixture
def pair(scene: Scene) -> Scene:
    """Docker and the guard run, and so do web and db, which reach each other."""
    scene.docker.start()
    scene.guard()
    for name in ("web", "db"):
        scene.run(name)
    scene.comes_to_reach("web", "db")
    return scene


def test_a_container_says_nothing_before_docker_says_whose_it_is_and_speaks_then(scene: Scene) -> None:
    scene.docker.start()
    scene.guard()
    scene.run("db")
    until(lambda: scene.bound() == {"db": set(ADDRESSES["db"])}, "db is not bound")
    web = scene.plug("web")
    until(lambda: is_judged(scene, "web"), "web is not judged")
    assert not scene.reaches("web", "db")
    assert scene.bound() == {"db": set(ADDRESSES["db"])}
    scene.docker.run(web)
    scene.comes_to_reach("web", "db")
    scene.comes_to_reach("web", "db", "ipv6")
    assert scene.bound() == {name: set(ADDRESSES[name]) for name in ("web", "db")}
    assert any("web" in line for line in scene.said)


@both
def test_a_container_that_takes_anothers_address_is_not_heard(pair: Scene, family: str) -> None:
    single = ADDRESSES["db"][family == "ipv6"]
    own, host = (ADDRESSES[name][family == "ipv6"] for name in ("web", "host"))
    web = pair.neighbours["web"]
    length, dad = (128, ["nodad"]) if family == "ipv6" else (32, [])
    web.run("ip", "address", "add", f"{single}/{length}", "dev", "port", *dad)
    kind = socket.AF_INET6 if family == "ipv6" else socket.AF_INET
    with socket.socket(kind, socket.SOCK_DGRAM) as ears:
        ears.bind((host, 7000))
        ears.settimeout(2)
        for claimed, heard in ((own, True), (single, False), (own, True)):
            with web.socket(kind, socket.SOCK_DGRAM) as mouth:
                mouth.bind((claimed, 0))
                mouth.sendto(claimed.encode(), (host, 7000))
            if heard:
                assert ears.recv(100) == own.encode()
    assert "SOURCE" in reasons(pair)


def test_a_guard_that_was_killed_and_starts_again_changes_nothing_for_those_who_speak(pair: Scene) -> None:
    before, said = pair.bound(), list(pair.said)
    receiving = pair.neighbours["db"].traffic("receive", ADDRESSES["db"][0], "53")
    assert receiving.stdout is not None
    assert receiving.stdout.readline() == "ready\n"
    sending = pair.neighbours["web"].traffic("send", ADDRESSES["db"][0], "53")
    pair.kill()
    time.sleep(0.5)
    assert pair.reaches("web", "db")
    pair.guard()
    time.sleep(0.5)
    sending.send_signal(signal.SIGTERM)
    sent = int(sending.communicate()[0])
    receiving.send_signal(signal.SIGTERM)
    assert int(receiving.communicate()[0]) == sent > 100
    assert pair.bound() == before
    assert pair.said == said


def test_containers_that_ran_before_the_guard_are_taken_stock_of(scene: Scene) -> None:
    scene.docker.start()
    for name in ("web", "db"):
        scene.run(name)
    assert scene.bound() == {}
    scene.guard()
    assert scene.bound() == {name: set(ADDRESSES[name]) for name in ("web", "db")}
    assert scene.reaches("web", "db")


def test_a_docker_that_does_not_run_is_not_asked_and_neither_does_the_guard_wait_for_it(scene: Scene) -> None:
    """systemd listens on its socket, and a question would start it: the guard has to be ready first."""
    with socket.socket(socket.AF_UNIX) as systemd:
        systemd.bind(scene.docker.socket)
        systemd.listen()
        systemd.settimeout(1)
        scene.guard()
        with pytest.raises(TimeoutError):
            systemd.accept()
    scene.docker.restart()
    for name in ("web", "db"):
        scene.run(name)
    scene.comes_to_reach("web", "db")


def test_who_speaks_goes_on_while_docker_is_away_and_who_comes_waits_for_it(pair: Scene) -> None:
    before = pair.bound()
    pair.docker.stop()
    assert pair.reaches("web", "db")
    far = pair.plug("far")
    until(lambda: is_judged(pair, "far"), "far is not judged")
    assert pair.bound() == before
    pair.docker.running["far"] = far
    pair.docker.restart()
    until(lambda: pair.bound() == {**before, "far": set(ADDRESSES["far"])}, "far is not bound")
    assert pair.reaches("web", "db")


def test_what_is_gone_is_bound_no_more_and_its_address_can_be_another_ones(pair: Scene) -> None:
    pair.remove("web")
    until(lambda: pair.bound() == {"db": set(ADDRESSES["db"])}, "web is still bound")
    until(lambda: len(attach.known(pair.stage.folder)) == 2, "its port is still known")  # the bridge and db
    pair.run("web")
    pair.comes_to_reach("web", "db")


def test_an_address_that_moves_to_another_container_is_the_old_ones_no_more(pair: Scene) -> None:
    """Docker lost web's port, which stays behind."""
    pair.docker.end("web")
    far = pair.plug("far")._replace(ends={NETWORK: ADDRESSES["web"]})
    pair.docker.run(far)
    until(lambda: pair.bound().get("far") == set(ADDRESSES["web"]), "far is not bound")
    assert "web" not in pair.bound()
    assert not pair.reaches("web", "db")


def test_a_container_on_another_network_alone_is_nobody_here(pair: Scene) -> None:
    far = pair.plug("far")._replace(ends={"bridge": ADDRESSES["far"]})
    pair.docker.run(far)
    until(lambda: is_judged(pair, "far"), "far is not judged")
    time.sleep(0.3)
    assert "far" not in pair.bound()


def test_a_container_that_docker_is_long_at_work_on_keeps_the_others_from_nothing(pair: Scene) -> None:
    pair.docker.busy["far"] = threading.Event()
    far = pair.plug("far")
    pair.docker.run(far)
    until(lambda: "/containers/far/json" in pair.docker.asked, "it was not asked for")
    assert pair.reaches("web", "db")
    until(lambda: any("does not answer" in line for line in pair.said), f"nobody was told: {pair.said}")
    pair.docker.busy.pop("far").set()
    until(lambda: pair.bound().get("far") == set(ADDRESSES["far"]), "far is not bound")


def test_ports_follow_a_new_number_of_their_bridge_and_keep_what_is_bound(pair: Scene) -> None:
    before = pair.bound()
    pair.plan(NUMBER + 1)
    until(
        lambda: (
            [found.number for found in attach.known(pair.stage.folder).values() if found.number != NUMBER]
            == [NUMBER + 1] * 2
        ),
        "they have the old number",
    )
    assert pair.bound() == before


def test_a_program_that_somebody_took_away_is_put_back(pair: Scene) -> None:
    take_out("web", "", attach.way())
    ip("link set web alias touched")
    until(lambda: is_judged(pair, "web"), "web is not judged")
    assert pair.reaches("web", "db")


def test_programs_that_a_former_version_left_at_clsact_are_taken_over(
    pair: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not support.has_tcx():
        pytest.skip("this kernel has no TCX (6.6)")
    pair.kill()
    folder = pair.stage.folder
    bridge, port = (attach.look(folder, name).policed for name in ("bridge", "web"))
    assert bridge is not None
    assert port is not None
    for name, policed in (("bridge", bridge), ("web", port), ("db", port)):
        attach.release(folder, name)
        go(monkeypatch, CLSACT)
        attach.police(folder, name, policed)
        go(monkeypatch, TCX)
    assert pair.reaches("web", "db")
    pair.guard()
    for name in ("web", "db"):
        until(lambda name=name: ways(pair, name) == {TCX}, f"{name} is where it was")  # type: ignore[misc]
    assert pair.reaches("web", "db")


def ways(scene: Scene, name: str) -> set[str]:
    return {found.way for found in attach.look(scene.stage.folder, name).attached}


def test_a_port_of_nobodys_is_told_of_once(pair: Scene) -> None:
    pair.neighbours["far"] = Neighbour("far")
    until(lambda: is_judged(pair, "far"), "far is not judged")
    end = time.monotonic() + 30
    while time.monotonic() < end and not any("far" in line for line in pair.said):
        time.sleep(0.1)
    for _turn in range(3):
        pair.docker.tell("container", "start")
        time.sleep(0.2)
    told = [line for line in pair.said if "far" in line]
    assert len(told) == 1
    assert "Docker knows no running container" in told[0]


def test_a_sandbox_that_is_not_there_is_said_and_keeps_nobody_else_from_speaking(pair: Scene) -> None:
    pair.docker.run(Container("ghost", "/run/docker/netns/none", {NETWORK: ADDRESSES["spare"]}))
    pair.run("far")
    until(lambda: pair.bound().get("far") == set(ADDRESSES["far"]), "far is not bound")
    assert any("ghost" in line and "No such file" in line for line in pair.said)
