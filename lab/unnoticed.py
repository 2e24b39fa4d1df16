"""Numbered packets that nobody may lose while something happens, and others that nobody may let through."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

from . import flow, machine, traffic
from .matrix import Party
from .shell import LabError, wait_until

PAUSE = 0.005  # seconds between two packets


class Forbidden(NamedTuple):
    """A flow that policies forbid, and the runner on whose bridge it would arrive."""

    source: Party
    target: Party
    runner: str


def in_sync(hosts: tuple[str, ...]) -> bool:
    return all(machine.execute(host, "weft", "status").returncode == 0 for host in hosts)


@contextmanager
def unnoticed(
    flows: Mapping[str, tuple[Party, str]], hosts: tuple[str, ...], forbidden: Forbidden | None = None
) -> Iterator[None]:
    """Begins flows (by name: who sends, and to which address), and ends them when the body has ended and these hosts
    are as planned. Raises LabError for what was lost, and for what arrived that may not."""
    with ExitStack() as running:
        delivered, refused = [], None
        if forbidden is not None:
            echo = f"icmp and dst host {forbidden.target.address} and icmp[icmptype] == icmp-echo"
            delivered = running.enter_context(traffic.seen(forbidden.runner, "kohaku-overlay", echo))
            refused = running.enter_context(flow.pings(forbidden.source, forbidden.target.address, PAUSE))
        accounts = {
            name: running.enter_context(flow.pings(source, target, PAUSE)) for name, (source, target) in flows.items()
        }
        yield
        wait_until("every host to be in sync", lambda: in_sync(hosts), 60, pause=0.5)
    told = [f"{name}: {account}" for name, (account,) in accounts.items() if account.lost or account.sent < 1 / PAUSE]
    told += [f"delivered: {line}" for line in delivered]
    if refused is not None and len(refused[0].lost) != refused[0].sent:
        told.append(f"answered, and forbidden: {refused[0].sent - len(refused[0].lost)} of {refused[0].sent}")
    if told:
        raise LabError("\n".join(told))
