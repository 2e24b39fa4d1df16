"""Who speaks for somebody else is heard by nobody, and it is counted; the same packets with a true source arrive."""

from __future__ import annotations

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.model.policy import REASONS
from lab import clients, matrix, plane, tenants, traffic

EVIL = "web1"
SPEAK = {"network": "shop", "select": {}, "ingress": [{}], "egress": [{}]}


@pytest.fixture(scope="module", autouse=True)
def _everybody_may(inventory):
    """What is dropped here is dropped because of its source, not because of a policy."""
    tenants.rewrite(inventory, policies={"all": SPEAK}, tests=[])
    run = inventory.site()
    assert run.code == 0, run.output


@pytest.fixture(scope="module")
def containers(_everybody_may):
    traffic.remove_container("runner1", EVIL)
    address = tenants.CONTAINERS[EVIL][1]
    traffic.run_container("runner1", traffic.NETWORK, EVIL, "--ip", address, "--cap-add", "NET_ADMIN")
    found = tenants.parties()
    matrix.everybody_answers(found, tenants.PORTS)
    yield {party.name: party for party in found}
    traffic.remove_container("runner1", EVIL)


def _denied(host, reason):
    """How many packets a host has denied for a reason, as its kernel counts them."""
    number = next(one.number for one in REASONS if one.name == reason)
    code = (
        "import sys; sys.path.insert(0, '/usr/local/lib/weft/current'); "
        "from weft_overlay.kernel.bpf.records import counters; from weft_overlay.model.policed import BPF_FOLDER; "
        f"print(sum(found.packets for found in counters(BPF_FOLDER) if found.reason == {number}))"
    )
    return int(traffic.must(host, "python3", "-I", "-c", code))


def _pings(source, target):
    traffic.inside("runner1", "ping", "-c2", "-i0.2", "-W1", "-I", source, target, container=EVIL)


@pytest.mark.fault("F41")
@pytest.mark.parametrize(
    "source",
    ["10.1.1.2", "10.1.1.77", "10.2.1.1", "10.0.0.1", "10.1.0.254", "10.1.0.1", "192.0.2.1", "172.27.0.2"],
    ids=["neighbour", "nobody", "another_runner", "hub", "end_of_tunnel", "gateway", "stranger", "vpn_client"],
)
@pytest.mark.parametrize("target", ["db1", "db2"], ids=["same_bridge", "through_the_hub"])
def test_a_container_speaks_for_itself_alone(containers, source, target):
    runner, there = tenants.CONTAINERS[target]
    own, before = containers[EVIL].address, _denied("runner1", "SOURCE")
    added = traffic.inside("runner1", "ip", "address", "add", f"{source}/32", "dev", "eth0", container=EVIL)
    assert added.returncode == 0, added.stderr
    try:
        with traffic.seen(runner, "kohaku-overlay" if target == "db2" else "any", f"icmp and dst host {there}") as seen:
            _pings(source, there)
            _pings(own, there)
    finally:
        traffic.inside("runner1", "ip", "address", "del", f"{source}/32", "dev", "eth0", container=EVIL)
    if target == "db2":
        assert [line for line in seen if f"{own} > {there}" in line]
        assert not [line for line in seen if f"{source} > {there}" in line]
    assert _denied("runner1", "SOURCE") >= before + 2


@pytest.mark.fault("F41")
def test_a_client_speaks_for_itself_alone(on):
    """Its server takes a source that is not in the client's AllowedIPs for nobody's. Here somebody has widened them by
    hand: the programs know better."""
    clients.start_all(plane.confs(["bert"]))
    device, stranger = clients.link("bert"), "172.27.0.200"
    key = clients.public_key("bert")
    own = on("router", f"wg show wg0 allowed-ips | grep '^{key}'").split("\t")[1].split()
    on("router", f"wg set wg0 peer '{key}' allowed-ips {','.join([*own, stranger + '/32'])}")
    clients.must("bert", "ip", "address", "add", f"{stranger}/32", "dev", device)
    before = _denied("router", "SOURCE")
    try:
        with traffic.seen("router", "host0", f"src host {stranger}") as forwarded:
            clients.execute("bert", "ping", "-c3", "-i0.2", "-W1", "-I", stranger, "198.18.0.2")
    finally:
        on("router", f"wg set wg0 peer '{key}' allowed-ips {','.join(own)}")
        clients.stop_all()
    assert forwarded == []
    assert _denied("router", "SOURCE") >= before + 3


@pytest.mark.fault("F49")
def test_arp_tells_of_nobody_else(containers):
    """A container that says it is its neighbour is not believed: whoever asks still finds the neighbour."""
    before = _denied("runner1", "NEIGHBOUR")
    victim = containers["app1"].address
    traffic.inside("runner1", "ip", "address", "add", f"{victim}/32", "dev", "eth0", container=EVIL)
    try:
        traffic.inside("runner1", "arping", "-U", "-c2", "-I", "eth0", victim, container=EVIL)
        reached = matrix.ask(containers, [matrix.Probe("db2", "app1", matrix.TCP, 80)])
    finally:
        traffic.inside("runner1", "ip", "address", "del", f"{victim}/32", "dev", "eth0", container=EVIL)
    assert set(reached.values()) == {containers["db2"].address}
    assert _denied("runner1", "NEIGHBOUR") > before
