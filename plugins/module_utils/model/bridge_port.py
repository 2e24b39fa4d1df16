# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Ports of a policed bridge that are not ours, and who is at their other ends."""

from __future__ import annotations

from typing import NamedTuple

from .policy import Attachment


class BridgePort(NamedTuple):
    """A port, as it was seen. number: by which the kernel knows it, and never another one until the next boot.

    space: the kernel's number for the network namespace that its other end is in; None: this one, or it has no other
    end. opened: whether the bridge lets anything pass there; None: it lets everybody, for it has no gate. policed: what
    judges there, with the programs that are loaded now; None: something else, or nothing. macs: the addresses that the
    bridge sends there, and that no frame of another port draws away; others have a word behind them. strict: what comes
    from there draws nobody's frames to it and, where the kernel can tell, does not come from any address but those.
    """

    number: int
    name: str
    bridge: str
    space: int | None = None
    opened: bool | None = None
    policed: Attachment | None = None
    macs: frozenset[str] = frozenset()
    strict: bool = False


class Speaker(NamedTuple):
    """Who may speak: a running container on a bridge's network.

    name: the container's. bridge: of the network. space: as that of a port. addresses: its own there, of both families.
    mac: of its end there. identity: of the peer that it is by its labels; 0: the policy knows by its addresses.
    unnamed: addresses of which the policy knows all the same. says: what its labels came to, to stand behind its name;
    "": nothing.
    """

    name: str
    bridge: str
    space: int
    addresses: tuple[str, ...]
    mac: str
    identity: int = 0
    unnamed: tuple[str, ...] = ()
    says: str = ""

    def identity_of(self, address: str) -> int:
        return 0 if address in self.unnamed else self.identity


# What is bound, by number of the port and address: identity.
Bindings = dict[tuple[int, str], int]


class Unbind(NamedTuple):
    """address: None: all of it; the port may be gone."""

    number: int
    address: str | None = None


class Bind(NamedTuple):
    number: int
    address: str
    identity: int


class Hear(NamedTuple):
    """What comes in is judged from now on. attachment: with the port's name."""

    number: int
    attachment: Attachment


class Police(NamedTuple):
    """And what goes out, if nobody has judged it; it is as good as nobody's, so all are heard before."""

    number: int
    attachment: Attachment


class Keep(NamedTuple):
    """The bridge takes frames from these MAC addresses alone there, and sends there what is for them."""

    port: BridgePort
    macs: frozenset[str]


class Open(NamedTuple):
    """says: for whom."""

    port: BridgePort
    says: str

    def __str__(self) -> str:
        return f"{self.port.name}: {self.says} may speak"


class Close(NamedTuple):
    """says: why."""

    port: BridgePort
    says: str

    def __str__(self) -> str:
        return f"{self.port.name}: closed, {self.says}"
