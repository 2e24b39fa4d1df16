# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Borrowed routes: the plan is applied again when others' routes changed, and only then."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.edge.guard.routes import Routes
from tests.integration.bpf.hosts import until
from tests.integration.bpf.stage import ip


class Host:
    """An uplink, and a command that writes down that it ran."""

    def __init__(self, folder: Path, seconds: int = 0) -> None:
        """seconds: that the first one takes."""
        self._log = folder / "applied"
        ip("link add name uplink type bridge")
        ip("link set uplink up")
        ip("address add 198.18.0.10/24 dev uplink")
        self.routes = Routes(["sh", "-c", f"echo x >>{self._log}; [ $(wc -l <{self._log}) != 1 ] || sleep {seconds}"])

    def applied(self) -> int:
        self.routes.step()
        return len(self._log.read_text().split()) if self._log.exists() else 0

    def settle(self, count: int) -> None:
        until(lambda: self.applied() >= count, f"it was not applied {count} times")
        end = time.monotonic() + 1.5
        while time.monotonic() < end:
            assert self.applied() == count
            time.sleep(0.05)


@pytest.fixture
def folder(bpffs: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """In a network that has nothing yet."""
    del bpffs
    return tmp_path_factory.mktemp("routes")


@pytest.fixture
def host(folder: Path) -> Iterator[Host]:
    found = Host(folder)
    try:
        found.settle(1)  # what changed before is not known
        yield found
    finally:
        found.routes.close()


@pytest.mark.parametrize("words", ["default via 198.18.0.1", "fd00:9::/64 dev uplink"])
def test_a_route_that_comes_or_goes_is_followed(host: Host, words: str) -> None:
    ip(f"route add {words}")
    host.settle(2)
    ip(f"route del {words}")
    host.settle(3)


def test_many_at_once_are_followed_once(host: Host) -> None:
    for number in range(20):
        ip(f"route add 10.9.{number}.0/24 via 198.18.0.1")
        host.applied()
    host.settle(2)


@pytest.mark.parametrize("words", ["10.9.0.0/16 via 198.18.0.1 proto 119", "10.9.0.0/16 via 198.18.0.1 table 7"])
def test_our_own_routes_and_those_of_other_tables_are_not_followed(host: Host, words: str) -> None:
    ip(f"route add {words}")
    host.settle(1)


def test_while_a_plan_is_applied_no_other_is_and_what_changed_meanwhile_is_followed(folder: Path) -> None:
    host = Host(folder, 3)
    try:
        until(lambda: host.applied() == 1, "it was not applied")
        ip("route add default via 198.18.0.1")
        end = time.monotonic() + 1.5
        while time.monotonic() < end:
            assert host.applied() == 1
            time.sleep(0.05)
        host.settle(2)
    finally:
        host.routes.close()
