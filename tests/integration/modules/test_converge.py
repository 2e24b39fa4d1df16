# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The module as Ansible runs it, against the kernel: each test in a network namespace of its own.

What is stored on disk is the molecule scenario's business; here the machine's own disk is left alone.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.compile.overlay import Spoke, hub_plan, runner_plan
from ansible_collections.weft.overlay.plugins.module_utils.intent.domain import parse
from ansible_collections.weft.overlay.plugins.module_utils.model.plan import HostPlan, to_json

ROOT = Path(__file__).parents[3]
ANSIBLE = Path(sys.executable).with_name("ansible")
OVERLAY = parse("version: 1\noverlay: {}\n", "domain.yaml").overlay
SPOKES = tuple(Spoke(f"runner{number}", number, f"198.18.0.{10 + number}", 1450) for number in (1, 2))


class Namespace:
    """A host with one uplink, in a namespace."""

    name = f"weft-module-{os.getpid()}"

    def run(self, *argv: str) -> str:
        done = subprocess.run(["ip", "netns", "exec", self.name, *argv], capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{argv}: {done.stderr}"
        return done.stdout

    def converge(self, plan: HostPlan, *options: str) -> dict[str, Any]:
        """What the module returned, whether it failed or not."""
        arguments = json.dumps({"plan": to_json(plan), "persist": False})
        argv = [
            str(ANSIBLE),
            "localhost",
            "-i",
            "localhost,",
            "-c",
            "local",
            "-m",
            "weft.overlay.converge",
            "-a",
            arguments,
        ]
        environment = {**os.environ, "ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.minimal", "ANSIBLE_NOCOLOR": "1"}
        done = subprocess.run(
            ["ip", "netns", "exec", self.name, *argv, "-e", "ansible_python_interpreter=/usr/bin/python3", *options],
            capture_output=True,
            text=True,
            check=False,
            cwd=ROOT,
            env=environment,
        )
        shown, _host, told = done.stdout.partition("localhost | ")
        answer: dict[str, Any] = json.JSONDecoder().raw_decode(told[told.index("{") :])[0]
        return {**answer, "failed": told.startswith("FAILED"), "shown": shown}

    def settle(self) -> None:
        """The kernel finds out about the empty bridge's missing carrier up to a second after it was made."""
        end = time.monotonic() + 5
        while "state DOWN" not in self.run("ip", "link", "show", "kohaku-host"):
            assert time.monotonic() < end, self.run("ip", "link")
            time.sleep(0.05)

    def everything(self) -> list[str]:
        """All that could change, without the timers that change by themselves."""
        looks = ("ip address", "ip route show table all", "bridge fdb", "sysctl -n net.ipv4.ip_forward")
        links = re.sub(r"[a-z_]+_timer +[0-9.]+ ", "", self.run("ip", "-d", "link"))
        return [links, *(self.run(*look.split()) for look in looks), self.run("nft", "-s", "list", "ruleset")]


@pytest.fixture
def host() -> Iterator[Namespace]:
    namespace = Namespace()
    subprocess.run(["ip", "netns", "add", namespace.name], check=True)
    try:
        # Link-local addresses are there at once, and not a second later in the middle of a test.
        namespace.run("sysctl", "-w", "net.ipv4.ip_forward=0", "net.ipv6.conf.default.accept_dad=0")
        namespace.run("ip", "link", "add", "uplink", "type", "veth", "peer", "name", "far")
        namespace.run("ip", "address", "add", "198.18.0.10/24", "dev", "uplink")
        for link in ("lo", "uplink", "far"):
            namespace.run("ip", "link", "set", link, "up")
        yield namespace
    finally:
        subprocess.run(["ip", "netns", "delete", namespace.name], check=True)


@pytest.fixture
def hub() -> HostPlan:
    assert OVERLAY is not None
    return hub_plan(OVERLAY, "hub", "198.18.0.10", SPOKES)


@pytest.mark.fault("F01")
def test_a_hub_is_built_and_the_second_run_changes_nothing(host: Namespace, hub: HostPlan) -> None:
    first = host.converge(hub)
    assert first["changed"], first
    links = {link["ifname"]: link for link in json.loads(host.run("ip", "-j", "-d", "link"))}
    assert links["vxkr2"]["linkinfo"]["info_data"]["id"] == 102
    assert links["vxkr2"]["ifalias"] == "weft:runner2"
    assert {"dst": "10.2.0.0/16", "gateway": "10.2.0.1"}.items() <= json.loads(
        host.run("ip", "-j", "route", "get", "10.2.0.0/16", "fibmatch")
    )[0].items()
    assert host.run("sysctl", "-n", "net.ipv4.ip_forward").strip() == "1"
    host.settle()
    before = host.everything()
    second = host.converge(hub, "--diff")
    assert second["changed"] is False
    assert second["shown"] == ""
    assert host.everything() == before


@pytest.mark.fault("F02")
def test_check_mode_says_what_a_run_then_does_and_touches_nothing(host: Namespace, hub: HostPlan) -> None:
    before = host.everything()
    foretold = host.converge(hub, "--check", "--diff")
    assert host.everything() == before
    done = host.converge(hub, "--diff")
    assert foretold["changes"] == done["changes"]
    assert foretold["shown"] == done["shown"] != ""


@pytest.mark.fault("F03")
def test_drift_is_repaired_and_foreign_objects_stay(host: Namespace, hub: HostPlan) -> None:
    host.converge(hub)
    host.settle()
    host.run("ip", "link", "add", "vxkr9", "type", "vxlan", "id", "109", "dstport", "4789", "remote", "198.18.0.19")
    host.run("ip", "route", "add", "192.0.2.0/24", "via", "198.18.0.1")
    whole = host.everything()
    host.run("ip", "link", "set", "vxkr1", "mtu", "1300")
    host.run("ip", "route", "delete", "10.2.0.0/16")
    drifted = host.everything()
    foretold = host.converge(hub, "--check")
    assert host.everything() == drifted
    mended = host.converge(hub)
    assert mended["changes"] == foretold["changes"] == ["~ link vxkr1 (mtu 1300 → 1450)", "+ route 10.2.0.0/16"]
    assert host.everything() == whole


def test_a_runner_that_leaves_takes_only_what_was_its_own(host: Namespace, hub: HostPlan) -> None:
    assert OVERLAY is not None
    host.converge(hub)
    index = json.loads(host.run("ip", "-j", "link", "show", "vxkr2"))[0]["ifindex"]
    left = host.converge(hub_plan(OVERLAY, "hub", "198.18.0.10", SPOKES[1:]))
    assert [change for change in left["changes"] if not change.startswith("~ ruleset")] == ["- link vxkr1"]
    assert json.loads(host.run("ip", "-j", "link", "show", "vxkr2"))[0]["ifindex"] == index
    assert "10.1.0.0/16" not in host.run("ip", "route")


def test_foreign_state_in_the_way_is_named_and_nothing_is_changed(host: Namespace, hub: HostPlan) -> None:
    host.run("ip", "link", "add", "other", "type", "vxlan", "id", "102", "dstport", "4789", "remote", "198.18.0.19")
    host.run("ip", "link", "add", "vxkr1", "type", "bridge")
    host.run("ip", "route", "add", "10.77.0.0/16", "via", "198.18.0.1")
    before = host.everything()
    refused = host.converge(hub)
    assert refused["failed"]
    assert [fault["path"] for fault in refused["faults"]] == [
        "link vxkr1",
        "link other",
        "route 10.77.0.0/16 on uplink",
    ]
    assert host.everything() == before


@pytest.mark.fault("F05")
def test_a_step_that_the_kernel_refuses_undoes_the_steps_before_it(host: Namespace, hub: HostPlan) -> None:
    before = host.everything()
    impossible = hub._replace(links=(*hub.links[:-1], hub.links[-1]._replace(mtu=40)))
    refused = host.converge(impossible)
    assert refused["failed"]
    assert "link vxkr2" in refused["msg"]
    assert "everything was changed back" in refused["msg"]
    after = host.everything()
    assert after[:-1] == before[:-1]
    assert "weft" not in after[-1]


def test_a_host_may_turn_from_hub_into_runner(host: Namespace, hub: HostPlan) -> None:
    assert OVERLAY is not None
    host.converge(hub)
    runner = runner_plan(OVERLAY, SPOKES[0]._replace(underlay="198.18.0.10"), "other", "198.18.0.20")
    assert host.converge(runner)["changed"]
    links = {link["ifname"]: link for link in json.loads(host.run("ip", "-j", "-d", "link"))}
    assert not {"vxkr1", "vxkr2", "kohaku-host"} & set(links)
    assert links["vxlan0"]["master"] == "kohaku-overlay"
    assert host.converge(runner)["changed"] is False
