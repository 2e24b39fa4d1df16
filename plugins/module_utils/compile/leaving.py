# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Runners that are to go while the inventory still has them: dead ones just so, living ones when nobody needs them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..model.errors import Fault
from .inventory import Inventory
from .ledger import Ledger
from .words import some
from .world import World


def without(inventory: Inventory, leaving: frozenset[str]) -> Inventory:
    """What the inventory is once their lines are gone; in other groups they stay what they are."""
    return inventory._replace(runners=tuple(host for host in inventory.runners if host.name not in leaving))


def departing_faults(world: World) -> Iterator[Fault]:
    """Names that are no runner's, and runners on which somebody works. Of one that does not answer nothing is asked."""
    runners = {host.name for host in world.inventory.runners}
    for name in sorted(world.run.leaving):
        if name not in runners | _former(world.ledger):
            message = f"is no runner; the runners are {some(sorted(runners)) or 'none'}"
            yield Fault("inventory", name, message)
        if name in world.run.mute:
            message = "answers, but could not be looked at, so nobody knows what runs there; mend that, or power it off"
            yield Fault(name, "", message)
        facts = world.run.facts.get(name)
        for seen in facts.foreign.networks if facts is not None and not world.run.disconnect else ():
            if seen.ours and seen.containers:
                names = " ".join(seen.containers)
                words = f"stop them first (docker stop {names}), or cut them off with -e weft_disconnect=true"
                yield Fault(name, f"Docker network {seen.network.name}", f"containers run in it: {names}; {words}")


def _former(ledger: Ledger) -> set[str]:
    """Who is, or was, one by the ledger: their lines may be gone already."""
    named = {name for name, entry in ledger.hosts.items() if entry.runner_id is not None}
    return named | {host for _number, host in ledger.released}


def returned(ids: dict[str, int], released: Iterable[tuple[int, str]], places: dict[str, str]) -> Iterator[str]:
    """Notes of runners that had left and are taken in again. ids: of this run. released: before it. places: where the
    inventory has them."""
    for number, name in released:
        if ids.get(name) == number:
            yield (
                f"{name} had left, and is taken in again with its id {number}, for the inventory has it; if it is to "
                f"stay away, take out its line ({places[name]}) and run again"
            )
