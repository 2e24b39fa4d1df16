# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Ports of policed bridges: who is behind them may speak with the addresses that Docker gave him.

What is bound is kept by the kernel, and so is who may speak: here is nothing that could be lost.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence

from ...diff.bridge_port import Step, decide, halves, settled
from ...diff.labelled import named
from ...kernel.bridge_port import BridgePorts
from ...kernel.docker.events import Events
from ...kernel.docker.speakers import speakers
from ...kernel.netlink.news import LINKS, News, is_about_ports
from ...kernel.netlink.numbers import is_there, number_of
from ...model.bridge_port import Close, Open, Speaker
from ...model.errors import KernelError, WeftError
from ...model.labelled import Labelled
from ...model.plan import HostPlan
from ...model.policy import PORTS, Attachment

# Seconds. A container that starts has a port some time before Docker says whose it is: of those nobody is told, and
# Docker tells by itself when they have started.
_STARTING = 10.0
# After that, containers are asked for that seem to have all that they need.
_DOUBT = 1.0
# How long a Docker that runs may take to answer a guard that has just begun.
_AT_FIRST = 2.0


class Ports:
    """Those of one host."""

    def __init__(self, folder: str, docker: Events) -> None:
        """folder: of the BPF programs."""
        self._ports = BridgePorts(folder)
        self._docker = docker
        self._news = News(LINKS)
        self._began = False
        # Ports of which nobody knows whose they are: since when, and those that were told of.
        self._since: dict[int, float] = {}
        self._names: dict[int, str] = {}
        self._told: set[int] = set()
        self._last_fault = ""
        # By what containers were told apart when Docker was last asked about all of them; None: nobody knows.
        self._labelled: tuple[Labelled, ...] | None = None

    def fileno(self) -> int:
        """Ready to be read when links changed."""
        return self._news.fileno()

    def close(self) -> None:
        self._news.close()

    def heard(self, plan: HostPlan | None) -> bool:
        """Whether anything happened to a port since the last time."""
        found = self._news.read()
        numbers = frozenset(number_of(name, name) for name in _bridges(plan) if is_there(name))
        return found is None or any(is_about_ports(news, numbers) for news in found)

    def look(self, plan: HostPlan | None, asked: bool) -> bool:
        """Do what is due. asked: Docker said that something happened. Whether that is all: otherwise, look again soon.

        Raises WeftError where nothing can be seen.
        """
        bridges = _bridges(plan)
        if plan is None or not bridges:
            return True
        whole = True
        if self._began:
            # What is new is judged before anybody is asked, however long the answer takes.
            whole = self._decide(bridges, plan, None)
        if asked or self._since or not self._began or self._labelled != plan.labelled:
            answer = self._answer(plan)
            if answer is not None or not self._began:
                whole = self._decide(bridges, plan, answer)
        self._began = True
        self._ports.forget_gone()
        self._tell()
        return whole and not self._since and self._labelled == plan.labelled

    def _decide(self, bridges: dict[str, Attachment], plan: HostPlan, answer: Sequence[Speaker] | None) -> bool:
        """Whether every step could be taken."""
        ports, bindings = self._ports.observe(bridges, _own(plan))
        if self._labelled is None and not plan.labelled and not any(bindings.values()):
            self._labelled = ()
        decision = decide(ports, answer, bindings, bridges)
        ways = [halves(steps) for steps in decision.steps]
        begun = [rest for first, rest in ways if self._take(first)]
        done = [rest for rest in begun if self._take(rest)]
        now = time.monotonic()
        strangers = {port.number: port for port in decision.strangers}
        if strangers.keys() - self._since.keys():
            self._docker.nudge()
        self._since = {number: self._since.get(number, now) for number in strangers}
        self._names = {number: f"{port.name}, a port of {port.bridge}" for number, port in strangers.items()}
        return len(done) == len(ways)

    def _take(self, steps: Sequence[Step]) -> bool:
        """All of one port; those after one that fails are left: no port is opened that is not judged."""
        try:
            for step in steps:
                self._ports.take(step)
                if isinstance(step, (Open, Close)):
                    _say(str(step))
        except KernelError as error:
            _say(str(error))
            return False
        return True

    def _answer(self, plan: HostPlan) -> list[Speaker] | None:
        """None: Docker does not run, or does not say. Nobody new speaks until it does."""
        if not self._docker.follows(0 if self._began else _AT_FIRST):
            self._fault(self._docker.fault())
            return None
        networks = {network.name: network.bridge for network in plan.networks if network.bridge}
        settled = self._settled(plan)
        try:
            found = speakers(self._docker.path, networks, settled)
        except WeftError as error:
            self._fault(str(error))
            return None
        if found is None:
            return None
        self._fault("; ".join(found[1]))
        if not settled and not found[1]:
            self._labelled = plan.labelled
        return [named(speaker, labels, plan.labelled) for speaker, labels in found[0]]

    def _settled(self, plan: HostPlan) -> frozenset[str]:
        if not self._began or self._labelled != plan.labelled:
            return frozenset()
        if any(time.monotonic() - since > _DOUBT for since in self._since.values()):
            return frozenset()
        return settled(*self._ports.observe(_bridges(plan), _own(plan)))

    def _fault(self, words: str) -> None:
        """Says it once."""
        if words and words != self._last_fault:
            _say(words)
        self._last_fault = words

    def _tell(self) -> None:
        self._told &= self._since.keys()
        for number, since in self._since.items():
            if number not in self._told and time.monotonic() - since > _STARTING:
                self._told.add(number)
                _say(f"{self._names[number]}, is closed: Docker knows no running container at its other end")


def _bridges(plan: HostPlan | None) -> dict[str, Attachment]:
    """Those whose ports are policed, by name."""
    attachments = plan.policy.attachments if plan is not None and plan.policy is not None else ()
    return {attachment.interface: attachment for attachment in attachments if attachment.flags & PORTS}


def _own(plan: HostPlan) -> frozenset[str]:
    """Ports that are judged as what they are, and those that are ours at all."""
    attachments = plan.policy.attachments if plan.policy is not None else ()
    return frozenset(attachment.interface for attachment in attachments) | {link.name for link in plan.links}


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
