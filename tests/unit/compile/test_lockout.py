# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""F10: a run that came through a WireGuard link of ours does not close it behind itself."""

from __future__ import annotations

import copy

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.compile import ledger as ledgers
from ansible_collections.weft.overlay.plugins.module_utils.compile.lockout import lockout_faults
from ansible_collections.weft.overlay.plugins.module_utils.model.facts import Facts
from ansible_collections.weft.overlay.plugins.module_utils.model.route import ForeignRoute
from ansible_collections.weft.overlay.plugins.module_utils.model.state import Capabilities, Foreign, Uplink
from ansible_collections.weft.overlay.plugins.module_utils.model.wireguard import Peer
from tests.unit.compile.policy import sites

HERE, HERE6 = "192.168.210.1", "fd5e:210::1"
UPLINK = Uplink("203.0.113.9/24", "eth0", 1500)
KEY = "X" * 43 + "="


def domain(**changed):
    plane = copy.deepcopy(sites.PLANE)
    plane["interfaces"]["wg1"]["lan"] = ["192.168.20.0/24", "fd5e:20::/64"]
    return {**plane, "profiles": {"all": {"lan": True}}, **changed}


def compiled(ledger=ledgers.EMPTY, **changed):
    done = sites.compiled(domain(**changed), ledger=ledger)
    assert done.faults == ()
    return done


BEFORE = compiled()
ANN = next(
    address for access in BEFORE.plans["router1"].accesses for address in access.reaches[0].clients if "." in address
)


def facts(client=ANN, reached_at=HERE, routes=(), port=22):
    """The router is asked over ssh by one of its clients."""
    foreign = Foreign(clients=(client,), uplinks=(UPLINK,), routes=routes)
    peers = tuple(BEFORE.plans["router1"].peers)
    return {"router1": Facts(Capabilities(True, "none"), foreign, (), reached_at, peers=peers, reached_on=port)}


def said(done, known):
    return [str(fault) for fault in lockout_faults(done.plans, known, done.policy)]


def tenants(*policies, **more):
    names = {"blue": {"cidrs": ["192.168.20.0/24", "192.168.210.0/24", "fd5e:210::/64", "fd5e:20::/64"]}}
    found = {
        "networks": names,
        "namespaces": {"all": {"network": "blue"}},
        "peers": {"ann": {"namespace": "all", "client": "ann"}, "router": {"namespace": "all", "server": "router1"}},
        "policies": {f"p{number}": policy for number, policy in enumerate(policies)},
    }
    return {**found, **more}


def opened(*ports):
    to = [{"protocol": "TCP", "port": port} for port in ports]
    return {
        "network": "blue",
        "select": {},
        "ingress": [{"from": [{"peers": {}}], "ports": to}],
        "egress": [{"to": [{"peers": {}}], "ports": to}],
    }


def test_a_plan_that_leaves_the_way_open_is_not_in_the_way():
    assert said(BEFORE, facts()) == []


def test_a_client_that_is_taken_out_of_the_intent_is_not_who_runs_it():
    clients = {name: client for name, client in domain()["clients"].items() if name != "ann"}
    (fault,) = said(compiled(BEFORE.ledger, clients=clients), facts())
    assert fault == (
        f"router1: ssh session: this run comes by wg0, from {ANN}, and the plan has no peer there with this address; "
        "run from somewhere else, or leave that way open"
    )


def test_an_interface_that_goes_is_not_the_one_the_run_came_by():
    left = {name: value for name, value in domain()["interfaces"].items() if name != "wg0"}
    clients = {name: client for name, client in domain()["clients"].items() if client["interface"] != "wg0"}
    done = compiled(interfaces=left, clients=clients, bindings={"wg1": ["all"]})
    assert "the plan has no peer there" in said(done, facts())[0]


@pytest.mark.fault("F10", "F50")
def test_a_profile_that_no_longer_reaches_the_server_is_refused():
    done = compiled(profiles={"all": {"internet": False, "clients": True}})
    assert "its profile does not let it reach this host any more" in said(done, facts())[0]


@pytest.mark.fault("F10", "F50")
@pytest.mark.parametrize(
    ("policies", "port", "words"),
    [
        ((), 22, "policies deny TCP 22 to 192.168.210.1;"),
        ((opened(80),), 22, "policies deny TCP 22 to 192.168.210.1;"),
        ((opened(22),), 22, None),
        ((opened(22),), 2222, "policies deny TCP 2222 to 192.168.210.1;"),
        ((opened(22), {**opened(22), "ingress": [{"action": "deny"}]}), 22, "by policies.p1.ingress[0];"),
    ],
)
def test_policies_let_the_run_in_again_or_are_refused(policies, port, words):
    faults = said(compiled(**tenants(*policies)), facts(port=port))
    assert len(faults) == (words is not None)
    assert words is None or words in faults[0]


def test_what_is_only_observed_shuts_nobody_out():
    found = tenants()
    found["networks"]["blue"]["mode"] = "observe"
    assert said(compiled(**found), facts()) == []


@pytest.mark.parametrize(
    "known",
    [
        facts(client="203.0.113.77", reached_at="203.0.113.9"),
        facts(routes=(ForeignRoute(f"{ANN}/32", "eth0"),)),
        facts(client="UNKNOWN", reached_at="UNKNOWN"),
        {"router1": facts()["router1"]._replace(reached_at=None)},
        {},
    ],
    ids=["by a link of the host's own", "by a nearer route of others", "not by a network", "not by ssh", "not asked"],
)
def test_who_comes_another_way_is_not_concerned(known):
    clients = {name: client for name, client in domain()["clients"].items() if name != "ann"}
    assert said(compiled(BEFORE.ledger, clients=clients), known) == []


def test_everything_into_a_tunnel_is_no_way_to_who_is_next_door():
    """A managed peer that sends all it has to its server is reached by its own network all the same."""
    peer = Peer("wg0", KEY, "router1", ("0.0.0.0/0",))
    known = facts(client="203.0.113.77", reached_at="203.0.113.9")["router1"]._replace(peers=(peer,))
    assert said(BEFORE, {"router1": known}) == []
