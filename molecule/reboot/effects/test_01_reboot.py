"""What restarts is back by itself, without a run; it polices before it forwards, and nobody else notices it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from lab import clients, flow, machine, matrix, plane, snapshot, tenants, traffic
from lab import host as hosts
from lab.shell import wait_until
from lab.unnoticed import in_sync

# Each sends from the first moment of its container on, without a pause longer than this in seconds.
PAUSE = 0.02
FLOODS = {"web1": "web2", "web3": "web1", "app1": "app3", "app2": "app1"}
FORBIDDEN, ALLOWED = ("web2", "web1"), ("app3", "app1")
# A client that may go to the internet, and one that may not ask the hub.
ANNA, INTERNET = "anna", "198.19.0.200"
BERT, HUB = "bert", "198.18.0.10"
# Where each client was last, and what it may send.
SESSIONS = "wg show wg0 endpoints | sort; wg show wg0 allowed-ips | sort"
HARD = pytest.mark.parametrize("hard", [False, True], ids=["reboot", "power_cut"])


@pytest.fixture(scope="module", autouse=True)
def standing():
    mine = tenants.inventory()
    mine.edit(_with_pings)
    begun = mine.site()
    assert begun.code == 0, begun.output
    for source, target in FLOODS.items():
        runner, address = tenants.CONTAINERS[source]
        sends = f"while :; do ping -q -i {PAUSE} {tenants.CONTAINERS[target][1]} >/dev/null 2>&1; sleep {PAUSE}; done"
        tenants.start(runner, source, address, f"({sends}) & {traffic.SERVE}")
    clients.start_all(plane.confs([ANNA, BERT]))
    _back()
    yield mine
    clients.stop_all()
    for name, (runner, _address) in tenants.CONTAINERS.items():
        traffic.remove_container(runner, name)
    mine.restore()
    ended = mine.site()
    assert ended.code == 0, ended.output


def _with_pings(intent):
    app = intent["policies"]["app"]
    for way, ends in (("ingress", "from"), ("egress", "to")):
        middle = [{"namespaces": {"matchLabels": {"tier": "middle"}}}]
        app[way].append({ends: middle, "ports": [{"protocol": "ICMP"}]})


def _back():
    """Waits until all is as before, without a run; nothing that is forbidden came to a container, however early."""
    wait_until("every host to be in sync", lambda: in_sync(tenants.MEMBERS), 120, pause=0.5)
    containers = []

    def reached():
        containers[:] = tenants.parties()
        matrix.everybody_answers(containers, tenants.PORTS)
        return {tuple(probe) for probe in matrix.reached(containers, tenants.PORTS)} == tenants.ALLOWED

    wait_until("those to reach each other that may", reached, 60, pause=1)
    named = {party.name: party for party in containers}
    before = {name: matrix.pings(party) for name, party in named.items()}
    assert {name: before[name][0] for name in FORBIDDEN} == dict.fromkeys(FORBIDDEN, 0)
    wait_until("all floods", lambda: all(matrix.pings(named[name])[1] > before[name][1] for name in FLOODS), 30)
    wait_until("what may arrive", lambda: all(matrix.pings(named[name])[0] > before[name][0] for name in ALLOWED), 30)
    wait_until("the client's way out", _out, 60)


def _out():
    return clients.execute(ANNA, "ping", "-c1", "-W1", INTERNET).returncode == 0


def _seen(names):
    """Links with their numbers and states, and all that is said of where packets go."""
    kept = ("links", "addresses", "routes", "rules", "forwarding entries", "switches", "wireguard")
    return {name: {section: taken[section] for section in kept} for name, taken in snapshot.take_all(*names).items()}


def _boot(on, name):
    return on(name, "stat -c %Y.%y /proc/1; readlink /proc/1/ns/pid")


@pytest.mark.fault("F14")
@HARD
@pytest.mark.parametrize("name", [name for name in tenants.MEMBERS if name != "hub"])
def test_one_host(on, name, hard):
    before = _boot(on, name)
    with (
        traffic.captured(f"icmp[icmptype] == icmp-echo and dst host {HUB}") as forbidden,
        flow.pings(BERT, HUB, PAUSE) as refused,
    ):
        machine.reboot(hosts.load(name), hard=hard)
        _back()
    assert _boot(on, name) != before
    assert (forbidden, len(refused[0].lost)) == ([], refused[0].sent)


@pytest.mark.fault("F15")
@HARD
def test_the_hub_and_nobody_notices(on, hard):
    """Neither tunnels nor sessions of others are made anew; what does not go by the hub loses nothing."""
    before, others = _boot(on, "hub"), [name for name in tenants.MEMBERS if name != "hub"]
    seen, sessions = _seen(others), on("router", SESSIONS)
    with flow.pings(ANNA, INTERNET, PAUSE) as account:
        machine.reboot(hosts.load("hub"), hard=hard)
        _back()
    assert _boot(on, "hub") != before
    assert account[0].lost == ()
    assert _seen(others) == seen
    assert on("router", SESSIONS) == sessions


@pytest.mark.fault("F14")
@HARD
def test_all_of_them_at_once(hard):
    members = [hosts.load(name) for name in tenants.MEMBERS]
    with ThreadPoolExecutor(len(members)) as pool:
        list(pool.map(lambda host: machine.reboot(host, hard=hard), members))
    _back()


def test_it_was_there_before_docker_started_containers(on):
    """systemd's own record of the boot: weft-overlay was done when dockerd was started."""
    for runner in tenants.RUNNERS:
        done = on(runner, "systemctl show --value -p ActiveEnterTimestampMonotonic weft-overlay")
        docker = on(runner, "systemctl show --value -p ExecMainStartTimestampMonotonic docker")
        assert 0 < int(done) < int(docker)


def test_a_run_finds_nothing_to_do(standing):
    run = standing.site("--diff")
    assert (run.code, run.busy(), run.diffs()) == (0, set(), {}), run.output
