"""One client more, one less, one no longer allowed: the others notice nothing, down to the single packet."""

from __future__ import annotations

import calendar
import time

import pytest

from lab import clients, flow, machine, plane, reach, wg
from lab.shell import wait_until

OTHERS = ("full1", "lan1", "net1")
GONE = []  # the address of the client that is removed


@pytest.fixture(scope="module", autouse=True)
def _clients(inventory):
    reach.serve()
    plane.start(*OTHERS, "full2")


@pytest.fixture
def traffic_through():
    """What runs through full1 and lan1 while a test does something: pings in both families and a transfer."""

    def run(action):
        plane.start(*OTHERS)  # a session that is new: none is renewed by itself in the next two minutes
        before = {name: clients.peer(name).handshake for name in OTHERS}
        with (
            flow.pings("full1", "198.19.0.200") as four,
            flow.pings("lan1", "fd00:18::2") as six,
            flow.transfer("full1", "198.18.0.2", 24, rate=2) as deliveries,
        ):
            result = action()
        assert (four[0].lost, six[0].lost) == ((), ())
        assert min(four[0].sent, six[0].sent) > 100
        assert (deliveries[0].whole, deliveries[0].retransmitted) == (True, 0)
        assert {name: clients.peer(name).handshake for name in OTHERS} == before
        return result

    return run


def _client(**fields):
    return {"interface": "wg0", "profile": "lan-only", **fields}


def test_a_client_more_costs_the_others_not_one_packet(inventory, traffic_through, sessions):
    inventory.edit(lambda intent: intent["clients"].update(new1=_client(profile="full")))
    changed = []

    def act():
        unchanged = sessions("router", "wg0")
        run = inventory.site("--diff")
        changed.append(unchanged())
        return run

    run = traffic_through(act)
    assert run.code == 0, run.output
    assert run.summary() == {
        ("router", "ruleset"): (0, 1, 0),
        ("router", "wireguard peer"): (1, 0, 0),
        # Its key had been made before, in files that were not whole yet; the file is the plan for the next boot.
        ("router", "client"): (0, 1, 0),
        ("router", "file"): (0, 1, 0),
    }
    assert set(run.diffs()) == {"router"}
    assert len(changed[0]) == 1
    plane.start("new1")
    assert changed[0] == {clients.public_key("new1")}
    GONE.append(plane.inside("new1").ipv4)


def test_the_diff_of_more_clients_speaks_of_them_alone(inventory):
    private = clients.must(clients.ROAD, "wg", "genkey").strip()
    public = clients.must(clients.ROAD, "wg", "pubkey", stdin=private).strip()
    inventory.edit(lambda intent: intent["clients"].update(new2=_client(), own1=_client(public_key=public)))
    said = inventory.site("--check", "--diff").diffs().get("router", [])
    assert [line for line in said if "new2" in line]
    assert [line for line in said if "own1" in line]
    assert not [line for line in said if any(name in line for name in (*plane.ON_ROUTER, "new1"))]
    began = time.time()
    soon = int(began) + 45
    text = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(soon))
    inventory.edit(lambda intent: intent["clients"].update(guest={**_client(), "expires": text}))
    run = inventory.site()
    assert run.code == 0, run.output
    plane.start("new2", "guest")
    assert reach.probe("guest", reach.destinations()["lan"], "ipv4", "icmp")
    assert time.time() < soon
    _own_key(private, public)


def _own_key(private, public):
    """A client that made its key itself gets a file without one, and its own goes into it."""
    text = plane.conf("own1")
    assert wg.setting(text, "PrivateKey") == []
    clients.start("own1", text.replace("[Interface]", f"[Interface]\nPrivateKey = {private}"))
    plane.shake("own1")
    assert clients.public_key("own1") == public


def test_access_ends_at_the_hour_and_nobody_runs_ansible(on):
    """The guest's hour has been set by the test before."""
    key, to = clients.public_key("guest"), reach.destinations()
    (text,) = [line.split()[-1] for line in plane.conf("guest").splitlines() if line.startswith("# expires: ")]
    soon = calendar.timegm(time.strptime(text, "%Y-%m-%dT%H:%M:%SZ"))
    with flow.pings("full1", "198.18.0.2") as accounts:
        left = soon + 15 - time.time()
        wait_until("the guest to be refused", lambda: key not in wg.peers("router", "wg0"), left, pause=0.5)
    assert soon <= time.time() < soon + 15
    assert accounts[0].lost == ()
    assert not reach.probe("guest", to["lan"], "ipv4", "icmp")
    on("router", "systemctl restart weft-overlay weft-watch")
    assert key not in wg.peers("router", "wg0")


def test_a_client_that_is_removed_reaches_nothing_any_more_and_nobody_else_notices(inventory, traffic_through):
    gone, to = plane.inside("new1").ipv4 + "/32", reach.destinations()
    assert reach.probe("new1", to["lan"], "ipv4", "tcp")
    inventory.edit(lambda intent: intent["clients"].pop("new1"))
    run = traffic_through(inventory.site)
    assert run.code == 0, run.output
    assert gone not in [one for peer in wg.peers("router", "wg0").values() for one in peer.allowed_ips]
    for destination in ("lan", "internet"):
        assert not reach.probe("new1", to[destination], "ipv4", "icmp")
    clients.stop("new1")
    for name in ("router", "nas1"):
        assert machine.execute(name, "test", "-e", "/var/lib/weft/clients/new1").returncode != 0


@pytest.mark.fault("F19")
def test_a_client_of_another_profile_keeps_key_address_and_session_and_a_freed_address_rests(inventory, sessions):
    taken = {plane.inside(name).ipv4 for name in ("new2", "own1", "guest")} | {*GONE}
    before, unchanged = plane.conf("lan2"), sessions("router", "wg0")
    inventory.edit(lambda intent: intent["clients"]["lan2"].update(profile="internet-only"))
    inventory.edit(lambda intent: intent["clients"].update(new3=_client()))
    run = inventory.site()
    assert run.code == 0, run.output
    after = plane.conf("lan2")
    plane.start("lan2", "new3")
    assert unchanged() == {clients.public_key("new3")}
    assert plane.inside("new3").ipv4 not in taken
    for key in ("PrivateKey", "Address", "PresharedKey"):
        assert wg.setting(after, key) == wg.setting(before, key)
    to = reach.destinations()
    assert not reach.probe("lan2", to["nas"], "ipv4", "tcp")
    assert reach.probe("lan2", to["internet"], "ipv6", "tcp")


def test_after_all_of_it_a_run_finds_nothing_to_do(inventory):
    inventory.restore()
    assert inventory.site().code == 0
    run = inventory.site("--diff")
    assert (run.code, run.busy(), run.diffs()) == (0, set(), {}), run.output
    assert len(wg.peers("router", "wg0")) == len(plane.ON_ROUTER) + 1
    for name in ("new2", "new3", "own1", "guest"):
        clients.stop(name)
    plane.start("lan2")
