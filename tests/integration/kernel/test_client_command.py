# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""`weft client`, as somebody uses it who is logged in on the server."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.edge.command import main
from ansible_collections.weft.overlay.plugins.module_utils.kernel.clients import kept as clients
from tests.integration.kernel.test_clients import add, config_of, path, wg

pytestmark = pytest.mark.usefixtures("disk")


@pytest.fixture(autouse=True)
def _clients(disk: Path) -> None:  # noqa: ARG001  # what it writes must not reach the machine
    ((name, public_key),) = clients.make(["phone"])
    add(config_of(name, public_key, about=("profile: home", "owner: Ada – “A.”")))
    add(config_of("tablet", wg("pubkey", text=wg("genkey")), given=True, addresses=("10.8.0.3/32",)))
    clients.make(["watch"])


def test_the_list_says_who_is_there_and_whose_files_are_damaged(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    path("tablet", ".nmconnection").write_text("")
    assert main(["client", "list"]) == 0
    assert capfdbinary.readouterr().out.decode().splitlines() == [
        "client  interface  addresses                  files     about",
        "phone   wg0        10.8.0.2/32 fd00:8::2/128  whole     profile: home; owner: Ada – “A.”",
        "tablet  wg0        10.8.0.3/32                damaged   profile: home",
        "watch                                         key only",
    ]


def test_what_is_shown_is_the_file(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    for option, end in (([], ".conf"), (["--keyfile"], ".nmconnection")):
        assert main(["client", "show", "phone", *option]) == 0
        assert capfdbinary.readouterr().out == path("phone", end).read_bytes()


def test_a_code_is_drawn_in_half_blocks(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert main(["client", "show", "phone", "--qr"]) == 0
    shown = capfdbinary.readouterr().out.decode()
    assert {"█", "▀", "▄"} <= set(shown)


REFUSED = {
    "nobody": "client nobody: there is none of that name here",
    "../clients/phone": "there is none of that name here",
    "watch": "client watch: it has nothing but a key yet",
}


@pytest.mark.parametrize(("name", "reason"), REFUSED.items())
def test_what_cannot_be_shown_is_told(name: str, reason: str, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert main(["client", "show", name]) == 1
    shown = capfdbinary.readouterr()
    assert (shown.out, shown.err.startswith(b"weft: ")) == (b"", True)
    assert reason in shown.err.decode()


def test_a_damaged_conf_is_not_shown(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    path("phone").write_bytes(path("phone").read_bytes()[:-70])
    assert main(["client", "show", "phone"]) == 1
    assert b"is damaged; the next run of the playbook mends it" in capfdbinary.readouterr().err


def test_there_is_no_code_without_a_private_key(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert main(["client", "show", "tablet", "--qr"]) == 1
    assert b"client tablet: it has no QR code" in capfdbinary.readouterr().err


@pytest.mark.parametrize(
    "arguments", [[], ["show"], ["list", "phone"], ["show", "phone", "--png"], ["delete", "phone"]]
)
def test_another_call_is_answered_with_the_usage(arguments: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["client", *arguments]) == 2
    assert capfd.readouterr().err.startswith("usage: weft client list")
