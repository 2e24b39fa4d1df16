# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Devices and peers of wireguard-go, as wg(8) and packets see them. The other end is configured by wg(8) alone."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.kernel.keys import preshared
from ansible_collections.weft.overlay.plugins.module_utils.kernel.keys import private as keys
from ansible_collections.weft.overlay.plugins.module_utils.kernel.wireguard import devices as adapter
from ansible_collections.weft.overlay.plugins.module_utils.kernel.wireguard.endpoints import resolve
from ansible_collections.weft.overlay.plugins.module_utils.model.change import ADD, CHANGE, REMOVE, Change
from ansible_collections.weft.overlay.plugins.module_utils.model.errors import KernelError
from ansible_collections.weft.overlay.plugins.module_utils.model.link import WIREGUARD, Link
from ansible_collections.weft.overlay.plugins.module_utils.model.wireguard import KEY_ROOT, UNMADE, Device, Peer

LINK = Link("wga", WIREGUARD, "weft:router", "", userspace=True)
ONE, TWO, THREE = ("1" * 42 + "A=", "2" * 42 + "A=", "3" * 42 + "A=")


def look() -> tuple[Device, dict[str, Peer]]:
    (device,), peers = adapter.observe((LINK,))
    return device, {peer.public_key: peer for peer in peers}


def changes(before: Iterable[Any], after: Iterable[Any], kind: str = "wireguard peer") -> list[Change]:
    old, new = {value.key(): value for value in before}, {value.key(): value for value in after}
    found = [Change(CHANGE, kind, key, old[key], new[key]) for key in new if key in old and old[key] != new[key]]
    found += [Change(ADD, kind, key, None, new[key]) for key in new if key not in old]
    return found + [Change(REMOVE, kind, key, old[key], None) for key in old if key not in new]


def peers(*after: Peer) -> None:
    """Make the peers of the device these."""
    adapter.apply(changes(look()[1].values(), after))


def device(public_key: str, port: int = 0) -> None:
    adapter.apply(changes((look()[0],), (Device("wga", public_key, port),), "wireguard device"))


@pytest.fixture
def wga(wireguard: Any) -> Any:
    """A host with a device that has nothing yet."""
    wireguard.start("wga")
    wireguard.ip("link set wga up")
    return wireguard


@pytest.fixture
def pair(wga: Any) -> Any:
    """Two hosts that talk to each other: 10.8.0.1 here and 10.8.0.2 there, over both families."""
    private, wga.peer = wga.new_key()
    device(keys.make_link("wga"), 51820)
    wga.start("wgb", wga.far.enter)
    wga.far.run("wg", "set", "wgb", "private-key", "/dev/stdin", "listen-port", "51821", text=private)
    for line in ("addr add 10.8.0.2/24 dev wgb", "addr add fd00:8::2/64 dev wgb nodad", "link set wgb up"):
        wga.far.run("ip", *line.split())
    peers(Peer("wga", wga.peer, allowed_ips=("10.8.0.2/32", "fd00:8::2/128"), endpoint="198.18.0.11:51821"))
    wga.far.run(*f"wg set wgb peer {look()[0].public_key} allowed-ips 10.8.0.0/24,fd00:8::/64".split())
    for line in ("addr add 10.8.0.1/24 dev wga", "addr add fd00:8::1/64 dev wga nodad"):
        wga.ip(line)
    arrives("10.8.0.2")
    arrives("fd00:8::2")
    return wga


def answered(address: str, count: int = 1, interval: float = 0.2) -> int:
    """How many of the pings were answered; where none is to be, none is waited for long."""
    command = ["ping", f"-c{count}", f"-i{interval}", "-W1", address]
    out = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    found = re.search(r"(\d+) received", out)
    assert found is not None
    return int(found.group(1))


def arrives(address: str) -> None:
    """A ping is answered, within the time that a new session may take."""
    end = time.monotonic() + 15
    while not answered(address):
        assert time.monotonic() < end, f"no answer from {address}"


@pytest.mark.usefixtures("host")
def test_a_host_without_our_links_starts_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert adapter.observe((Link("vxlan0", "vxlan", "weft:hub", ""),)) == ((), ())


def test_a_new_device_has_no_key_and_the_devices_of_others_are_not_told(wga: Any) -> None:
    wga.start("wgx")
    (seen,), none = adapter.observe((LINK,))
    assert (seen.link, seen.public_key) == ("wga", "")
    assert none == ()


def test_a_device_that_does_not_answer_is_empty(wireguard: Any) -> None:
    wireguard.ip("tuntap add wga mode tun")
    assert adapter.observe((LINK,)) == ((Device("wga", ""),), ())


def test_a_device_gets_its_key_and_its_port(wga: Any) -> None:
    public = keys.make_link("wga")
    device(public, 51820)
    assert look()[0] == Device("wga", public, 51820)
    assert wga.wg("show", "wga", "listen-port").strip() == "51820"
    device(public, 51999)
    assert look()[0] == Device("wga", public, 51999)
    device(public, 0)
    assert look()[0].port == 51999
    device("")
    assert look()[0] == Device("wga", "", 51999)


def test_a_device_takes_the_following_key_and_goes_back(wga: Any) -> None:  # noqa: ARG001  # where it happens
    old, new = keys.make_link("wga"), keys.make_following("wga")
    for public in (old, new, old, new):
        device(public)
        assert look()[0].public_key == public
        assert keys.observe().links == (("wga", public),)


def test_a_key_that_is_not_there_is_refused(wga: Any) -> None:  # noqa: ARG001
    with pytest.raises(KernelError, match=r"^wireguard device wga: the plan is older than its key; compile it again$"):
        device(UNMADE)
    with pytest.raises(KernelError, match=r"^wireguard peer wga .*: the plan is older than its key; compile it again$"):
        peers(Peer("wga", UNMADE))
    with pytest.raises(KernelError, match=r"^key of wga: .* has no private key for 1111"):
        device(ONE)


def test_a_port_in_use_is_told(wga: Any) -> None:
    wga.start("wgx")
    wga.ip("link set wgx up")
    wga.wg("set", "wgx", "listen-port", "51820")
    with pytest.raises(KernelError, match=r"^wireguard device wga: wg: .*Address (already )?in use"):
        device("", 51820)


def test_two_devices_exchange_their_ports(wga: Any) -> None:
    wga.start("wgx")
    wga.ip("link set wgx up")
    before = (Device("wga", "", 51820), Device("wgx", "", 51821))
    after = (before[0]._replace(port=51821), before[1]._replace(port=51820))
    both = (LINK, LINK._replace(name="wgx"))
    for have, wanted in ((adapter.observe(both)[0], before), (before, after)):
        adapter.apply(changes(have, wanted, "wireguard device"))
        assert set(adapter.observe(both)[0]) == set(wanted)


def test_peers_are_seen_as_they_are_set(wga: Any) -> None:  # noqa: ARG001
    wanted = {
        ONE: Peer("wga", ONE, allowed_ips=("10.8.0.2/32", "fd00:8::2/128"), preshared=True),
        TWO: Peer("wga", TWO, allowed_ips=("0.0.0.0/0", "::/0"), keepalive=25, endpoint="[2001:db8::1]:51820"),
        THREE: Peer("wga", THREE, endpoint="192.0.2.7:4711"),
    }
    peers(*wanted.values())
    assert look()[1] == wanted


def test_only_what_is_named_is_changed(wga: Any) -> None:  # noqa: ARG001
    first = Peer("wga", ONE, "alice", ("10.8.0.2/32", "10.8.0.9/32"), 25, True, "192.0.2.1:51820")
    second = Peer("wga", TWO, "bob", ("10.8.0.3/32",), preshared=True)
    peers(first, second)
    for change in (
        {"allowed_ips": ("10.8.0.2/32",)},
        {"keepalive": 0},
        {"preshared": False},
        {"endpoint": "192.0.2.2:51820"},
        {"allowed_ips": ()},
        {"preshared": True, "allowed_ips": ("10.8.0.2/32", "fd00:8::/64")},
    ):
        first = first._replace(**change)
        peers(first, second)
        assert look()[1] == {ONE: first._replace(name=""), TWO: second._replace(name="")}
    peers(second)
    assert list(look()[1]) == [TWO]
    peers()
    assert look()[1] == {}


def test_a_preshared_key_that_is_not_the_kept_one_is_seen_and_mended(wga: Any) -> None:
    wanted = Peer("wga", ONE, preshared=True)
    peers(wanted)
    wga.wg("set", "wga", "peer", ONE, "preshared-key", "/dev/stdin", text=wga.wg("genpsk"))
    assert look()[1][ONE].preshared is None
    peers(wanted)
    assert look()[1][ONE].preshared is True
    wga.wg("set", "wga", "peer", ONE, "preshared-key", "/dev/null")
    assert look()[1][ONE].preshared is False
    # A host goes back to what it was, with the key that only the device knows.
    wga.wg("set", "wga", "peer", ONE, "preshared-key", "/dev/stdin", text=wga.wg("genpsk"))
    peers(look()[1][ONE]._replace(keepalive=7))
    assert (look()[1][ONE].preshared, look()[1][ONE].keepalive) == (None, 7)


def test_a_successor_goes_on_with_the_preshared_key_of_the_pair(wga: Any) -> None:
    peers(Peer("wga", ONE, preshared=True))
    (change,) = changes((), (Peer("wga", TWO, preshared=True, inherits=ONE),))
    adapter.apply([change])
    shown = dict(line.split("\t") for line in wga.wg("show", "wga", "preshared-keys").splitlines())
    assert shown[ONE] == shown[TWO]
    assert [look()[1][key].preshared for key in (ONE, TWO)] == [True, True]


def test_no_key_is_in_what_is_seen(wga: Any) -> None:
    device(keys.make_link("wga"))
    peers(Peer("wga", ONE, preshared=True))
    secrets = [path.read_text(encoding="ascii").strip() for path in Path(KEY_ROOT).rglob("p*e")]
    secrets += [path.read_text(encoding="ascii").strip() for path in Path(KEY_ROOT).rglob("*.psk")]
    assert len(secrets) == 2
    assert [secret for secret in secrets if secret not in wga.wg("show", "all", "dump")] == []
    assert [secret for secret in secrets if secret in str(look()) + str(keys.observe())] == []


def test_a_damaged_preshared_key_is_refused_without_being_told(wga: Any) -> None:  # noqa: ARG001
    path = preshared.preshared_file("wga", ONE)
    assert path is not None
    Path(path).write_text("S" * 44, encoding="ascii")
    with pytest.raises(KernelError, match=rf"^wireguard peer wga {ONE}: its preshared key .* is damaged$"):
        peers(Peer("wga", ONE, preshared=True))


def test_addresses_change_hands_in_one_go(wga: Any) -> None:  # noqa: ARG001
    a, b, c = ("10.8.0.2/32",), ("10.8.0.3/32", "fd00:8::3/128"), ("10.8.0.4/32",)
    peers(Peer("wga", ONE, allowed_ips=a), Peer("wga", TWO, allowed_ips=b))
    wanted = {ONE: Peer("wga", ONE, allowed_ips=b), TWO: Peer("wga", TWO, allowed_ips=a)}
    peers(*wanted.values())
    assert look()[1] == wanted
    # From one that goes to one that comes, and on to one that stays.
    wanted = {TWO: Peer("wga", TWO, allowed_ips=(*a, *c)), THREE: Peer("wga", THREE, allowed_ips=b)}
    peers(*wanted.values())
    assert look()[1] == wanted


def test_what_goes_with_its_link_need_not_be_removed(wga: Any) -> None:
    peers(Peer("wga", ONE))
    gone = changes(look()[1].values(), ()) + changes((Device("wga", ONE, 5),), (), "wireguard device")
    wga.ip("link del wga")
    adapter.apply(gone)
    with pytest.raises(KernelError, match=r"^wireguard peer wga .* and 1 more: wg: Unable to modify interface"):
        adapter.apply(changes((), (Peer("wga", ONE), Peer("wga", TWO))))


def test_two_hosts_talk_over_both_families(pair: Any) -> None:
    assert answered("10.8.0.2") == 1
    assert answered("fd00:8::2") == 1
    seen = look()[1][pair.peer]
    assert 0 <= time.time() - seen.handshake < 30
    assert seen.endpoint == "198.18.0.11:51821"


def test_a_session_goes_on_while_others_come_change_and_go(pair: Any) -> None:
    before = look()[1][pair.peer]
    sent = 200
    with subprocess.Popen(
        ["ping", f"-c{sent}", "-i0.01", "-q", "-W1", "10.8.0.2"], stdout=subprocess.PIPE, text=True
    ) as ping:
        for number in range(10):
            peers(before, Peer("wga", ONE, allowed_ips=(f"10.9.{number}.0/24",), preshared=True))
            peers(before, Peer("wga", TWO), Peer("wga", ONE, keepalive=number))
            peers(before)
            # Also the peer itself, as long as it keeps its addresses.
            before = before._replace(allowed_ips=("10.8.0.2/32", f"10.77.{number}.0/24", "fd00:8::2/128"))
            peers(before)
        assert ping.stdout is not None
        out = ping.stdout.read()
    assert f"{sent} packets transmitted, {sent} received" in out
    after = look()[1][pair.peer]
    assert after.handshake == before.handshake


def test_both_ends_need_the_same_preshared_key(pair: Any) -> None:
    server = look()[0].public_key
    seen = look()[1][pair.peer]
    peers()
    peers(seen._replace(preshared=True))
    assert answered("10.8.0.2") == 0
    pair.far.run(
        *f"wg set wgb peer {server} preshared-key /dev/stdin".split(), text=preshared.get_preshared("wga", pair.peer)
    )
    arrives("10.8.0.2")
    assert look()[1][pair.peer].preshared is True


def test_an_endpoint_moves(pair: Any) -> None:
    adapter.set_endpoint("wga", pair.peer, "[fd00:18::11]:51821")
    assert look()[1][pair.peer].endpoint == "[fd00:18::11]:51821"
    arrives("10.8.0.2")


def test_a_peer_stays_where_it_is_if_its_name_is_there_too(wga: Any, disk: Path) -> None:  # noqa: ARG001
    names = disk / "hosts"
    names.write_text("192.0.2.1 vpn.example.net\n198.18.0.11 vpn.example.net\n", encoding="ascii")
    subprocess.run(["mount", "--bind", names, "/etc/hosts"], check=True)
    wanted = Peer("wga", ONE, "home", endpoint="vpn.example.net:51820")
    # Nothing leads to the other address.
    assert resolve("vpn.example.net:51820") == ("198.18.0.11:51820", "192.0.2.1:51820")
    peers(wanted)
    assert look()[1][ONE].endpoint == "198.18.0.11:51820"
    adapter.set_endpoint("wga", ONE, "192.0.2.1:51820")
    peers(wanted._replace(keepalive=5))
    assert look()[1][ONE].endpoint == "192.0.2.1:51820"
    adapter.set_endpoint("wga", ONE, "192.0.2.99:51820")
    peers(wanted._replace(keepalive=6))
    assert look()[1][ONE].endpoint == "198.18.0.11:51820"


def test_a_peer_whose_name_does_not_resolve_is_there_without_an_endpoint(wga: Any) -> None:  # noqa: ARG001
    peers(Peer("wga", ONE, "home", endpoint="no.such.invalid:51820"))
    assert look()[1][ONE].endpoint is None


def test_a_name_that_does_not_resolve_is_told() -> None:
    with pytest.raises(
        KernelError, match=r"^site: its endpoint no\.such\.invalid:51820 does not resolve on this host: "
    ):
        resolve("no.such.invalid:51820", "site")


def test_addresses_resolve_to_themselves() -> None:
    assert resolve("192.0.2.1:51820") == ("192.0.2.1:51820",)
    assert resolve("[2001:db8::1]:4711") == ("[2001:db8::1]:4711",)
    for wrong in ("192.0.2.1", "192.0.2.1:port", "[::1]"):
        with pytest.raises(KernelError, match="does not resolve on this host: not a host and a port"):
            resolve(wrong)


def test_a_thousand_peers_are_what_syncconf_makes_of_the_same_and_go_again(wga: Any, disk: Path) -> None:
    wanted = [
        Peer("wga", wga_key(number), f"c{number}", (f"10.8.{number // 250}.{number % 250}/32",), preshared=True)
        for number in range(1, 1001)
    ]
    peers(*wanted)
    ours = look()[1]
    kept = preshared.preshared_keys("wga", [peer.public_key for peer in wanted])
    ready = disk / "ready.conf"
    ready.write_text(
        "\n".join(
            f"[Peer]\nPublicKey={peer.public_key}\nPresharedKey={kept[peer.public_key]}\nAllowedIPs={peer.allowed_ips[0]}"
            for peer in wanted
        ),
        encoding="ascii",
    )
    peers()
    assert look()[1] == {}
    wga.wg("syncconf", "wga", str(ready))
    assert look()[1] == ours
    assert len(ours) == 1000


def wga_key(number: int) -> str:
    return f"{number:042d}A="
