#!/usr/bin/python3 -u
# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The first process of a machine: a bridge on which a new port is in no VLAN, and what passes there, step by step."""

from __future__ import annotations

import json
import socket
import subprocess
import sys

sys.path.insert(0, "/")

# Inside the bridge only: it is every port's own, and nobody outside sees a tag.
VLAN = "vid 1 pvid untagged"
BRIEFLY = 2
DOOR, OTHER, OWN = 5432, 5433, 8080


def vlan(words: str) -> None:
    subprocess.run(["bridge", "vlan", *words.split()], check=True)


def main(record: object) -> None:
    from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf.attach import Policed, police, port_of
    from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf.bindings import bind, unbind
    from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf.mount import mount
    from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf.records import counters
    from ansible_collections.weft.overlay.plugins.module_utils.model.policy import PORTS
    from ansible_collections.weft.overlay.plugins.module_utils.model.policy_text import from_json
    from tests.integration.bpf.hosts import Neighbour
    from tests.integration.bpf.names import ADDRESSES, FAMILIES
    from tests.integration.bpf.stage import REASON_NAMES, Stage, ip

    mount()
    stage = Stage("/sys/fs/bpf/weft")
    with open("/weft/policy.json", encoding="utf-8") as file:
        stage.enforce(from_json(file.read()))
    ip("link add name bridge type bridge mcast_snooping 0 vlan_filtering 1 vlan_default_pvid 0")
    vlan(f"add dev bridge {VLAN} self")
    for address, length in zip(ADDRESSES["host"], (16, 32)):
        ip(f"address add {address}/{length} dev bridge" + (" nodad" if ":" in address else ""))
    ip("link set bridge up")
    bridge = Policed(9, 1, PORTS)
    police(stage.folder, "bridge", bridge)
    neighbours = {name: Neighbour(name) for name in ("web", "db")}

    def grant(name: str) -> None:
        for address in ADDRESSES[name]:
            bind(stage.folder, socket.if_nametoindex(name), address)

    def say(step: str) -> None:
        """Whom web reaches, on which port, in each family; and why not."""
        stage.forget()
        for neighbour in neighbours.values():
            neighbour.run("ip", "neighbour", "flush", "all")
        found = {}
        for family in FAMILIES:
            kind, at = (socket.AF_INET6, 1) if family == "ipv6" else (socket.AF_INET, 0)
            with (
                neighbours["db"].listen(family, DOOR),
                neighbours["db"].listen(family, OTHER),
                socket.socket(kind, socket.SOCK_STREAM) as own,
            ):
                own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                own.bind((ADDRESSES["host"][at], OWN))
                own.listen()
                found[family] = [
                    neighbours["web"].connect(family, name, port, BRIEFLY)
                    for name, port in (("db", DOOR), ("db", OTHER), ("host", OWN))
                ]
        reasons = sorted({REASON_NAMES[counted.reason] for counted in counters(stage.folder)})
        print(json.dumps({"step": step, "reached": found, "reasons": reasons}), file=record, flush=True)

    vlan(f"add dev db {VLAN}")
    police(stage.folder, "db", port_of(bridge))
    grant("db")
    say("closed, not policed")
    police(stage.folder, "web", port_of(bridge))
    grant("web")
    say("closed, policed and bound")
    vlan(f"add dev web {VLAN}")
    say("open")
    unbind(stage.folder, socket.if_nametoindex("web"))
    say("open, not bound")
    grant("web")
    vlan("del dev web vid 1")
    say("closed again")
    for neighbour in neighbours.values():
        neighbour.close()


if __name__ == "__main__":
    from tests.kernel.bpf_inside import first

    first(main)
