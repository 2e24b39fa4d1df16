#!/usr/bin/python3 -u
# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The first process of a machine: a bridge that gets a gate while containers speak, and the guard that opens it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, "/")

HUB = "02:77:00:00:00:65"
BY_HAND = (
    "bridge link set dev vxlan0 learning on",
    "bridge link set dev vxlan0 locked off",
    f"bridge fdb del {HUB} dev vxlan0 master vlan 1",
    "bridge fdb add 02:00:00:00:00:66 dev vxlan0 master static vlan 1",
    "bridge vlan del dev vxlan0 vid 1",
    "ip link set bridge type bridge vlan_filtering 0",
    "ip link set vxlan0 nomaster",
)


def vlan(words: str) -> None:
    subprocess.run(["bridge", "vlan", *words.split()], check=True)


def main(record: object) -> None:
    from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf.attach import way
    from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf.mount import mount
    from ansible_collections.weft.overlay.plugins.module_utils.kernel.netlink.adapter import Netlink
    from ansible_collections.weft.overlay.plugins.module_utils.model.change import ADD, CHANGE, REMOVE, Change
    from ansible_collections.weft.overlay.plugins.module_utils.model.link import BRIDGE, Link
    from ansible_collections.weft.overlay.plugins.module_utils.model.policy_text import from_json
    from tests.integration.bpf.hosts import until
    from tests.integration.bpf.names import ADDRESSES
    from tests.integration.bpf.stage import Stage, ip
    from tests.integration.guard.scene import TUNNEL, Scene

    def say(step: str, **words: object) -> None:
        print(json.dumps({"step": step, **words}), file=record, flush=True)

    def seen(name: str) -> bool:
        with Netlink() as netlink:
            return next(link.gated for link in netlink.observe().links if link.name == name)

    def opened() -> list[str]:
        """Who is in a VLAN, by iproute2."""
        run = subprocess.run(["bridge", "-j", "vlan", "show"], capture_output=True, text=True, check=True)
        return sorted(one["ifname"] for one in json.loads(run.stdout or "[]") if one["vlans"])

    def links() -> list[Link]:
        with Netlink() as netlink:
            found = {link.name: link for link in netlink.observe().links}
        return [found["bridge"], found["vxlan0"]]

    def vlans_of_hub() -> list[int]:
        """The VLANs in which its MAC address is at the tunnel, by iproute2; 0: none."""
        run = subprocess.run(
            ["bridge", "-j", "fdb", "show", "dev", "vxlan0"], capture_output=True, text=True, check=True
        )
        entries = [entry for entry in json.loads(run.stdout) if entry["mac"] == HUB and "master" in entry]
        return sorted(entry.get("vlan", 0) for entry in entries if "sticky" in entry["flags"])

    class Flow:
        """Datagrams from web to db while something happens."""

        def __init__(self) -> None:
            self._receiving = scene.neighbours["db"].traffic("receive", ADDRESSES["db"][0], "53")
            assert self._receiving.stdout is not None
            assert self._receiving.stdout.readline() == "ready\n"
            self._sending = scene.neighbours["web"].traffic("send", ADDRESSES["db"][0], "53")
            time.sleep(1)

        def end(self) -> dict[str, int]:
            time.sleep(1)
            self._sending.send_signal(signal.SIGTERM)
            sent = int(self._sending.communicate()[0])
            self._receiving.send_signal(signal.SIGTERM)
            return {"sent": sent, "received": int(self._receiving.communicate()[0])}

    mount()
    with Netlink() as netlink:
        say("kernel", gates=netlink.supports_gates(), way=way())
    with open("/weft/policy.json", encoding="utf-8") as file:
        maps = from_json(file.read())
    folder = Path("/tmp/guard")
    folder.mkdir()
    scene = Scene(folder, Stage("/sys/fs/bpf/weft"), maps)
    scene.apply(Change(ADD, "link", "vxlan0", None, TUNNEL))
    scene.docker.start()
    for name in ("web", "db"):
        scene.run(name)
    say("no gate", bridge=seen("bridge"), port=seen("vxlan0"), reached=scene.reaches("web", "db"))

    flow = Flow()
    scene.turn(gated=True)
    say("gate", bridge=seen("bridge"), port=seen("vxlan0"), opened=opened(), **flow.end())
    flow = Flow()
    scene.guard()
    until(lambda: set(scene.bound()) == {"web", "db"}, "they are not bound")
    say("guarded", **flow.end(), opened=opened(), reached=scene.reaches("web", "db"))

    far = scene.plug("far")
    time.sleep(1)
    say("another one's port", opened=opened(), bound=sorted(scene.bound()))
    scene.docker.run(far)
    until(lambda: "far" in opened(), f"far is not opened: {scene.said}")
    say("another one", opened=opened(), bound=sorted(scene.bound()))
    scene.remove("far")

    flow = Flow()
    scene.kill()
    scene.run("far")
    time.sleep(1)
    say("without a guard", opened=opened(), reached=scene.reaches("web", "db"))
    scene.guard()
    until(lambda: "far" in opened(), f"far is not opened: {scene.said}")
    say("with one again", **flow.end(), opened=opened())

    flow = Flow()
    for words in ("vlan_filtering 0", "vlan_default_pvid 1"):
        ip(f"link set bridge type bridge {words}")
        say(words, bridge=seen("bridge"))
        scene.turn(gated=True)
        say(f"{words}, mended", bridge=seen("bridge"), opened=opened())
    vlan("del dev bridge vid 1 self")
    say("bridge closed", bridge=seen("bridge"))
    scene.turn(gated=True)
    say("bridge closed, mended", bridge=seen("bridge"), opened=opened())
    vlan("del dev vxlan0 vid 1")
    say("port closed", port=seen("vxlan0"))
    scene.apply(Change(CHANGE, "link", "vxlan0", TUNNEL, TUNNEL._replace(gated=True)))
    say("port closed, mended", port=seen("vxlan0"))
    say("mended", **flow.end())

    flow = Flow()
    scene.kill()
    scene.apply(Change(CHANGE, "link", "vxlan0", TUNNEL._replace(gated=True), TUNNEL))
    scene.turn(gated=False)
    say("no gate any more", bridge=seen("bridge"), port=seen("vxlan0"), opened=opened(), **flow.end())
    with Netlink() as netlink:
        before = {link.name: link for link in netlink.observe().links}
    scene.apply(*(Change(REMOVE, "link", name, before[name], None) for name in ("vxlan0", "bridge")))

    new = Link("bridge", BRIDGE, "weft:runner1", "02:00:00:00:00:01", 1450, gated=True)
    scene.apply(
        Change(ADD, "link", "bridge", None, new), Change(ADD, "link", "vxlan0", None, TUNNEL._replace(gated=True))
    )
    say("made with a gate", bridge=seen("bridge"), port=seen("vxlan0"), opened=opened())

    plain, tunnel = TUNNEL._replace(gated=True), TUNNEL._replace(gated=True, far=HUB)
    scene.apply(Change(CHANGE, "link", "vxlan0", plain, tunnel))
    say("kept", whole=links() == [new, tunnel], vlans=vlans_of_hub())
    for words in BY_HAND:
        subprocess.run(words.split(), check=True)
        found = links()
        scene.apply(
            *(Change(CHANGE, "link", before.name, before, after) for before, after in zip(found, (new, tunnel)))
        )
        say(words, drifted=found != [new, tunnel], whole=links() == [new, tunnel], vlans=vlans_of_hub())
    scene.apply(Change(CHANGE, "link", "vxlan0", tunnel, plain))
    say("kept no more", whole=links() == [new, plain], vlans=vlans_of_hub())
    scene.close()


if __name__ == "__main__":
    from tests.kernel.bpf_inside import first

    first(main)
