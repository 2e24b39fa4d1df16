# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Ten thousand rules: compiled, packed, loaded into a policy that judges, and one of them changed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median
from typing import Any

from ansible_collections.weft.overlay.plugins.module_utils.compile.policy.ledger import EMPTY
from ansible_collections.weft.overlay.plugins.module_utils.compile.policy.maps import compile_policy
from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf import calls, objects
from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf.layout import Tables, pack
from ansible_collections.weft.overlay.plugins.module_utils.kernel.bpf.slots import STAMP_SIZE, Slots, Stamped
from ansible_collections.weft.overlay.plugins.module_utils.model.policy import PolicyMaps

from .machine import inside
from .policy_domain import Domain, on_host
from .policy_host import OBJECTS, bpffs
from .policy_sender import alone

RULES, NETWORKS = 10_000, 1_000
COMPILE, PACK, LOAD, ALL_NEW, ONE, ONE_MAPS = "compile", "pack", "load", "all new", "one", "one, maps"

# Everything by which tables are read and written.
_OPERATIONS = ("put", "get", "delete", "put_all", "delete_all", "read_all", "map_by_number", "map_info", "make_map")


def rows(rounds: int) -> list[tuple[str, str, str, str, bool]]:
    """(what, median, ratio, bar, kept)."""
    found = inside(lambda: _measure(rounds))
    count, networks = f"{RULES:,}".replace(",", " "), f"{NETWORKS:,}".replace(",", " ")
    return [
        (f"{count} rules of {networks} networks, compiled (CPU time)", _ms(found[COMPILE]), "", "", True),
        ("the same, packed for the kernel (CPU time)", _ms(found[PACK]), "", "", True),
        ("the same, loaded: nothing of it was there", _ms(found[ALL_NEW]), "", "", True),
        (
            f"{count} rules loaded into a live policy, whose peers were there",
            _ms(found[LOAD]),
            "",
            "50 ms",
            found[LOAD] <= 0.05,
        ),
        ("one rule changed: in the maps", _ms(found[ONE_MAPS]), "", "2 ms", found[ONE_MAPS] <= 0.002),
        ("the same, with looking for what has changed", _ms(found[ONE]), "", "", True),
    ]


def _measure(rounds: int) -> dict[str, float]:
    """Medians, in seconds."""
    domain = Domain(RULES, NETWORKS)
    taken: dict[str, list[float]] = {}
    folder = bpffs()
    for number in range(rounds):
        for name, seconds in _round(domain, f"{folder}/{number}").items():
            taken.setdefault(name, []).append(seconds)
    return {name: median(times) for name, times in taken.items()}


def _round(domain: Domain, folder: str) -> dict[str, float]:
    tenancy = domain.tenancy()
    # Of what is only computed, the processor's time: it takes too long for all others to wait.
    compiled, compiling = _timed(lambda: compile_policy(tenancy, {}, EMPTY), time.process_time)
    maps = on_host(compiled.maps)
    full, packing = _timed(lambda: pack(maps), time.process_time)
    bare = pack(maps._replace(verdicts=maps.verdicts[:1], port_classes=()))
    others = pack(_one_rule_else(maps))
    objects.load(folder, OBJECTS)
    found = {COMPILE: compiling, PACK: packing}
    with Slots(folder) as slots:
        with alone(everywhere=True):
            found[ALL_NEW] = _timed(lambda: _load(slots, 1, full))[1]
        # Both slots hold the peers, and no rules.
        for number in (2, 3):
            _load(slots, number, bare)
    with Slots(folder) as slots:
        with alone(everywhere=True):
            found[LOAD] = _timed(lambda: _load(slots, 4, full))[1]
        _load(slots, 5, full, _stamped(4, full))
        # The wait for the last packet that the slot judged is no work.
        slots.settle()
        with alone(), _counted() as spent:
            found[ONE] = _timed(lambda: _load(slots, 6, others, _stamped(4, full), _stamped(5, full)))[1]
        found[ONE_MAPS] = sum(spent)
    return found


def _load(slots: Slots, number: int, tables: Tables, *known: Stamped) -> None:
    """What judges afterwards."""
    written = slots.write(_stamped(number, tables), *known)
    slots.switch(written.slot)


def _stamped(number: int, tables: Tables) -> Stamped:
    return Stamped(number.to_bytes(STAMP_SIZE, "big"), tables)


def _one_rule_else(maps: PolicyMaps) -> PolicyMaps:
    """One of the lines that a rule made denies instead."""
    place = next(place for place, line in enumerate(maps.verdicts) if line.rule)
    line = maps.verdicts[place]
    changed = line._replace(verdict=1 - line.verdict)
    return maps._replace(verdicts=(*maps.verdicts[:place], changed, *maps.verdicts[place + 1 :]))


def _timed(work: Callable[[], Any], clock: Callable[[], float] = time.perf_counter) -> tuple[Any, float]:
    start = clock()
    found = work()
    return found, clock() - start


@contextmanager
def _counted() -> Iterator[list[float]]:
    """The seconds that every operation on a map takes."""
    spent: list[float] = []
    before = {name: getattr(calls, name) for name in _OPERATIONS}

    def counting(operation: Callable[..., Any]) -> Callable[..., Any]:
        def called(*arguments: Any) -> Any:
            found, seconds = _timed(lambda: operation(*arguments))
            spent.append(seconds)
            return found

        return called

    for name, operation in before.items():
        setattr(calls, name, counting(operation))
    try:
        yield spent
    finally:
        for name, operation in before.items():
            setattr(calls, name, operation)


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds >= 0.01 else f"{seconds * 1000:.2f} ms"
