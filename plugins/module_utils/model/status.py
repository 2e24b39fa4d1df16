# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What is true of one host now, and how that differs from its plan. Only for readers: nothing is decided by it.

Of keys there is only the beginning of public ones, and no preshared or private one at all.
"""

from __future__ import annotations

from typing import NamedTuple

# Of the JSON document; it grows by new fields, and another meaning of an old one is another version.
STATUS_VERSION = 1

# How a host stands. BLOCKED: as planned, but something foreign would stop the next run.
IN_SYNC = "in sync"
DRIFT = "drift"
BLOCKED = "blocked"
NO_PLAN = "no plan"

# How an object differs.
MISSING = "missing"
DIFFERS = "differs"
SURPLUS = "too much"

# How a peer stands. Sessions are renewed every two minutes and end after three (WireGuard's REKEY_AFTER_TIME and
# REJECT_AFTER_TIME), while anything is sent.
FRESH = "fresh"
STALE = "stale"
NEVER = "never"
ABSENT = "absent"
FRESH_SECONDS = 180


class Difference(NamedTuple):
    """One thing that is not as planned. kind: of state.KINDS, or what else there is. name: of the object, for readers.
    state: MISSING, DIFFERS or SURPLUS. detail: `mtu 1400, planned 1450`; "" where the state says it all."""

    kind: str
    name: str
    state: str
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.name}".rstrip() + f": {self.state}" + (f" ({self.detail})" if self.detail else "")


class Drift(NamedTuple):
    """One comparison. in_the_way: (subject, words) of foreign objects that would stop a run. notes: of how the plan is
    met on this host."""

    differences: tuple[Difference, ...] = ()
    in_the_way: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def state(self) -> str:
        return DRIFT if self.differences else BLOCKED if self.in_the_way else IN_SYNC


class PlanStamp(NamedTuple):
    """digest: SHA-256 of its canonical text, hexadecimal. stored: when it was written here, Unix time."""

    digest: str
    stored: int


class ServiceStatus(NamedTuple):
    unit: str
    runs: bool


class PolicedStatus(NamedTuple):
    """A policed interface. attached: whether our programs are there, all of them, as the plan has it."""

    interface: str
    attached: bool


class Carried(NamedTuple):
    """Octets, and packets where they are counted, since the link was made."""

    received: int = 0
    sent: int = 0
    packets_received: int = 0
    packets_sent: int = 0
    dropped: int = 0


class PeerStatus(NamedTuple):
    """A WireGuard peer. name: whose it is, "" where the plan knows none. key: the beginning of its public one.
    endpoint: where it was seen last, "" nowhere. handshake: Unix time, 0: never. state: FRESH, STALE, NEVER or ABSENT
    (it is planned and not there). kept: something is sent all the time, so it should be fresh. addresses: AllowedIPs.
    """

    link: str
    name: str
    key: str
    endpoint: str
    handshake: int
    state: str
    kept: bool
    received: int = 0
    sent: int = 0
    addresses: tuple[str, ...] = ()


class TunnelStatus(NamedTuple):
    """A VXLAN tunnel. far: the host it leads to. mtu: bytes."""

    link: str
    far: str
    remote: str
    vni: int
    mtu: int
    up: bool
    carried: Carried = Carried()


class Ending(NamedTuple):
    """What ends by itself. what: "client", or "key" of a peer that changes to another one and has not used it yet.
    expires: Unix time, None: when the new key is used."""

    what: str
    name: str
    link: str
    expires: int | None


class Denied(NamedTuple):
    """Packets in sum. reason: its name. observed: they passed all the same."""

    reason: str
    observed: bool
    packets: int
    octets: int


class PendingStatus(NamedTuple):
    """A change that nobody has confirmed yet. by: who made it. applied: whether all of it is done; else it is under
    way, or was ended in its middle. since: when it was applied, or else begun; ends: when the host goes back. Both are
    Unix times by the host's clock; since: None after a boot, as nobody knows what the clock was before it."""

    number: int
    by: str
    applied: bool
    since: int | None
    ends: int


class RolledBackStatus(NamedTuple):
    """The change that was the last, and did not last. when: Unix time."""

    number: int
    by: str
    when: int
    why: str


class HostStatus(NamedTuple):
    """host, role: of the plan, "" without one. now: the host's clock, Unix time. address: the host's own end of the
    connection that Ansible came in on, "" where there is none. denied: None where nothing judges. pending: None where
    no change waits. rolled_back: None where the last change was another one, or lasts."""

    host: str
    role: str
    now: int
    plan: PlanStamp | None
    drift: Drift
    address: str = ""
    services: tuple[ServiceStatus, ...] = ()
    policed: tuple[PolicedStatus, ...] = ()
    peers: tuple[PeerStatus, ...] = ()
    tunnels: tuple[TunnelStatus, ...] = ()
    endings: tuple[Ending, ...] = ()
    denied: tuple[Denied, ...] | None = None
    pending: PendingStatus | None = None
    rolled_back: RolledBackStatus | None = None

    @property
    def state(self) -> str:
        return NO_PLAN if self.plan is None else self.drift.state
