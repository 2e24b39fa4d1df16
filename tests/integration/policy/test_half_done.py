# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A change that finds no memory, no disk or no link any more, at every place where that can be: it is undone and says
why, nobody else's objects are touched, and the next run gets through."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.converge.transaction import converge
from ansible_collections.weft.overlay.plugins.module_utils.edge.convergence import Asked, match
from ansible_collections.weft.overlay.plugins.module_utils.edge.program import program
from ansible_collections.weft.overlay.plugins.module_utils.kernel.host import HostKernel
from ansible_collections.weft.overlay.plugins.module_utils.kernel.journal import JOURNAL_PATH
from ansible_collections.weft.overlay.plugins.module_utils.kernel.netlink.channel import Channel
from ansible_collections.weft.overlay.plugins.module_utils.kernel.netlink.codec import Reply, Request
from ansible_collections.weft.overlay.plugins.module_utils.model.errors import KernelError, WeftError
from ansible_collections.weft.overlay.plugins.module_utils.model.plan import HostPlan, to_json
from ansible_collections.weft.overlay.plugins.module_utils.model.transaction import Author
from tests.integration.policy.home import everything, filtered_by, plan, run
from tests.unit.converge.faults import failure

MEMORY, FULL = os.strerror(errno.ENOMEM), os.strerror(errno.ENOSPC)
# One runner goes, one comes, and the link of the third changes.
BEFORE, AFTER = plan(1, 2), plan(2, 3, mtu=1400)


class Netlink:
    """Of all messages to the kernel something happens before one. dumps: questions count, too."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, dumps: bool) -> None:
        self.asked = 0
        self._at, self._strike = -1, lambda _subject: None
        carry_out, dump = Channel.carry_out, Channel.dump

        def one_by_one(channel: Channel, requests: Sequence[Request]) -> None:
            for request in requests:
                self._next(request.subject)
                carry_out(channel, [request])

        def dumped(channel: Channel, subject: str, kind: int, body: bytes) -> list[Reply]:
            if dumps:
                self._next(subject)
            return dump(channel, subject, kind, body)

        monkeypatch.setattr(Channel, "carry_out", one_by_one)
        monkeypatch.setattr(Channel, "dump", dumped)

    def at(self, number: int, strike: Any) -> None:
        self.asked, self._at, self._strike = 0, number, strike

    def _next(self, subject: str) -> None:
        number, self.asked = self.asked, self.asked + 1
        if number == self._at:
            self._strike(subject)


def seen() -> dict[str, Any]:
    """Without what another link of the same name does not get, what the kernel finds out a second later (a bridge's
    carrier), timers, the host's history, its lock, and folders that are empty."""
    found = everything()
    for link in (*found["links"], *found["addresses"]):
        for name in ("ifindex", "link_index", "operstate"):
            link.pop(name, None)
        data = link.get("linkinfo", {}).get("info_data", {})
        for name in [name for name in data if name.endswith("_timer")]:
            del data[name]
        link["flags"] = sorted({*link.get("flags", ())} - {"NO-CARRIER", "LOWER_UP"})
    for route in found["routes"]:
        route["flags"] = [flag for flag in route["flags"] if flag != "linkdown"]
    for listing in ("links", "addresses"):
        # iproute2 lists what it leaves out as {}.
        found[listing] = sorted((link for link in found[listing] if "ifname" in link), key=lambda link: link["ifname"])
    found["disciplines"] = sorted(found["disciplines"].splitlines())
    files = (name for name in found if not name.startswith("/") or not os.path.isdir(name))
    return {name: found[name] for name in files if not name.startswith(("/run/weft", JOURNAL_PATH))}


def differences(before: dict[str, Any]) -> list[str]:
    """What is not as it was."""
    now = seen()
    listed = {name: (before.get(name), now.get(name)) for name in {*before, *now} if before.get(name) != now.get(name)}
    return [f"{name}: {_apart(*both)}"[:2000] for name, both in sorted(listed.items())]


def _apart(before: Any, now: Any) -> str:
    if isinstance(before, list) and isinstance(now, list):
        gone, come = ([one for one in these if one not in those] for these, those in ((before, now), (now, before)))
        return f"gone {gone}, come {come}"
    return f"was {before}, is {now}"


def run_of(wanted: HostPlan) -> None:
    converge(wanted, HostKernel(), program())


class Killed(BaseException):
    """Nobody handles it."""


def killed(_subject: str) -> None:
    raise Killed


def out_of_memory(subject: str) -> None:
    raise KernelError(subject, MEMORY)


def goes_through(wanted: HostPlan) -> None:
    run_of(wanted)
    assert converge(wanted, HostKernel(), program()).changes == ()


@pytest.mark.fault("F05")
@pytest.mark.usefixtures("home")
def test_wherever_netlink_finds_no_memory_the_host_is_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    filtered_by("iptables-nft")
    netlink = Netlink(monkeypatch, dumps=True)
    run_of(BEFORE)
    before = seen()
    netlink.at(-1, None)
    goes_through(AFTER)
    messages = netlink.asked
    goes_through(BEFORE)
    assert messages > 20
    for number in range(messages):
        netlink.at(number, out_of_memory)
        error = failure(lambda: run_of(AFTER))
        if error is not None:
            assert MEMORY in str(error)
            # What fails before anything was touched needs no way back.
            assert isinstance(error, KernelError) or str(error).endswith("; everything was changed back")
            assert differences(before) == [], f"{number}: {error}"
        else:
            # It was over before that message came.
            netlink.at(-1, None)
            goes_through(BEFORE)
    netlink.at(-1, None)
    goes_through(AFTER)


@pytest.mark.fault("F04")
@pytest.mark.usefixtures("home")
def test_wherever_it_is_killed_the_next_run_leaves_nothing_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    filtered_by("iptables-nft")
    netlink = Netlink(monkeypatch, dumps=False)
    run_of(BEFORE)
    run_of(AFTER)
    after = seen()
    for number in range(199):
        goes_through(BEFORE)
        netlink.at(number, killed)
        try:
            run_of(AFTER)
            break
        except Killed:
            goes_through(AFTER)
            assert differences(after) == [], str(number)
    assert 5 < number < 198


@pytest.mark.fault("F05")
@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("name", ["vxkr1", "vxkr2", "vxkr3", "kohaku-host"])
def test_a_link_that_somebody_removes_in_the_middle_is_made_again(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    filtered_by("iptables-nft")
    netlink = Netlink(monkeypatch, dumps=False)
    run_of(BEFORE)
    before = seen()
    for number in range(200):
        struck: list[str] = []
        netlink.at(number, lambda subject, struck=struck: struck.append(remove(name) or subject))
        error = failure(lambda: run_of(AFTER))
        if error is not None:
            assert str(error).endswith("; everything was changed back"), f"{number}: {error}"
            assert differences(before) == [], f"{number}: {error}"
        else:
            # It was removed before it was there, or when it had to go.
            netlink.at(-1, None)
            goes_through(BEFORE)
        if not struck:
            break
    assert 5 < number < 199
    goes_through(AFTER)


def remove(name: str) -> None:
    """By another process. No fault where it is not there, yet or any more."""
    subprocess.run(["ip", "link", "delete", name], capture_output=True, check=False)


def fill(folder: str) -> Path:
    """A disk of its own that is really full."""
    os.makedirs(folder, exist_ok=True)
    run("mount", "-t", "tmpfs", "-o", "size=8m", "none", folder)
    taken = Path(folder) / "taken"
    done = subprocess.run(["dd", "if=/dev/zero", f"of={taken}", "bs=4k"], capture_output=True, text=True, check=False)
    assert FULL in done.stderr
    return taken


@pytest.mark.fault("F05")
@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("folder", ["/var/lib/weft", "/usr/local/lib", "/etc/systemd/system", "/run"])
def test_a_disk_that_is_full_is_named_and_the_run_after_it_gets_through(folder: str) -> None:
    filtered_by("iptables-nft")
    asked = Asked(to_json(AFTER), Author("anna@ops"), True, {}, 60, False)
    taken = fill(folder)
    before = seen()
    with pytest.raises(WeftError, match=rf"(?s)(/|program ).*{FULL}"):
        match(asked, False)
    assert differences(before) == []
    taken.unlink()
    assert match(asked, False)["changed"]
    assert converge(AFTER, HostKernel(), program()).changes == ()
