# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""`weft watch`: what must happen on a host while nobody runs Ansible.

Access that expires ends. A peer that shakes hands with a new key gets its AllowedIPs at once. An endpoint whose
handshake went stale is looked up again. A device that lost its key (wireguard-go was restarted) is built up again.
Nothing else is changed: what differs otherwise is the business of a run.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping

from ..diff.peers import overdue
from ..kernel.lock import exclusive
from ..kernel.service import announce, end_when_told
from ..kernel.stored import current_digest
from ..kernel.wireguard import devices as wireguard
from ..kernel.wireguard.endpoints import resolve
from ..model.errors import KernelError, WeftError
from ..model.plan import HostPlan
from ..model.stored import PLAN_PATH, WATCH_UNIT
from ..model.wireguard import Peer
from .followed_plan import FollowedPlan
from .stored_plan import converge_stored

USAGE = "weft watch                                for systemd: end what expires, take up new keys, follow endpoints\n"

_SECONDS = 5.0
# While a key is being changed: how long traffic may wait for its new key to be taken up.
_SECONDS_IN_CHANGE = 0.2
# wireguard(4) rekeys after 120 s; a peer in use without a handshake for longer is not where it was.
STALE = 135
_LOOK_UP_EVERY = 30


class Watch:
    """One host's watch. It reads the plan anew whenever a run has stored another one."""

    def __init__(self, path: str = PLAN_PATH) -> None:
        self._plan = FollowedPlan(path)
        self._looked_up: dict[str, float] = {}

    def look(self) -> float:
        """Do what is due; how many seconds may pass until the next look."""
        plan = self._plan.current()
        if plan is None or not plan.devices:
            return _SECONDS
        devices, peers = wireguard.observe(plan.links)
        if not all(device.public_key for device in devices):
            self._rebuild()
            return _SECONDS
        seen = {peer.key(): peer for peer in peers}
        now = int(time.time())
        if overdue(plan.peers, seen, now):
            self._carry_out()
        self._follow(plan, seen, now)
        return self._pause(plan, seen, now)

    def _carry_out(self) -> None:
        """Look again under the lock: a run may just have changed it all."""
        with exclusive():
            plan = self._plan.current()
            if plan is None:
                return
            seen = {peer.key(): peer for peer in wireguard.observe(plan.links)[1]}
            due = overdue(plan.peers, seen, int(time.time()))
            wireguard.apply(due)
        for change in due:
            _say(str(change))

    def _rebuild(self) -> None:
        """The plan is read under the lock: it may have been a run that had got no further yet."""
        with exclusive():
            plan = self._plan.current()
            outcome = converge_stored(plan, "weft watch") if plan else None
        for line in (*outcome.changes, *outcome.notes) if outcome else ():
            _say(str(line))

    def _follow(self, plan: HostPlan, seen: Mapping[str, Peer], now: int) -> None:
        """Look up again where peers are that have a name for an endpoint and have not been heard of."""
        for peer in plan.peers:
            known = seen.get(peer.key())
            if peer.endpoint is None or known is None or now - known.handshake < STALE:
                continue
            if time.monotonic() - self._looked_up.get(peer.key(), -_LOOK_UP_EVERY) < _LOOK_UP_EVERY:
                continue
            self._looked_up[peer.key()] = time.monotonic()
            try:
                addresses = resolve(peer.endpoint, peer.name)
            except KernelError as error:
                _say(str(error))
                continue
            if known.endpoint not in addresses:
                wireguard.set_endpoint(peer.link, peer.public_key, addresses[0])
                _say(f"{peer.name}: {peer.endpoint} is {addresses[0]} now")

    def _pause(self, plan: HostPlan, seen: Mapping[str, Peer], now: int) -> float:
        if any(peer.successor and peer.key() in seen for peer in plan.peers):
            return _SECONDS_IN_CHANGE
        ends = [peer.expires - now for peer in plan.peers if peer.expires is not None and peer.expires > now]
        return min(_SECONDS, *ends) if ends else _SECONDS


def main(arguments: list[str]) -> int:
    """Runs until systemd stops it. What fails once is told and tried again at the next look."""
    if len(arguments) != 1:
        sys.stderr.write(f"usage: {USAGE}")
        return 2
    end_when_told()
    guard = Watch()
    announce(WATCH_UNIT.name, current_digest() or "")
    while True:
        try:
            pause = guard.look()
        except WeftError as error:
            _say(str(error))
            pause = _SECONDS
        time.sleep(pause)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
