"""Who comes in by a WireGuard link of ours does not close it behind himself (F10): that is told and nothing touched."""

from __future__ import annotations

import json
import shlex

import pytest

from lab import clients, faults, plane, reach, runs

HOSTS = ("hub", "runner1", "runner2", "router", "nas1", "peer1")
OPERATOR = "laptop"


@pytest.fixture(scope="module")
def mine(tmp_path_factory):
    """The intent of inventories/lab, with a VPN on the router, and the operator's laptop in it."""
    found = runs.Inventory(str(tmp_path_factory.mktemp("inventory")), members=HOSTS)
    found.restore()
    began = found.site()
    assert began.code == 0, began.output
    plane.start(OPERATOR)
    yield found
    clients.stop_all()
    left = found.play("teardown", "--limit", "router:nas1:peer1", "-e", "weft_forget_store=true")
    assert left.code == 0, left.output


@pytest.fixture
def by_tunnel(mine):
    """A run whose every connection begins on the laptop, goes through its tunnel, and ends with its task."""
    proxy = shlex.join(clients.exec_argv(OPERATOR, "nc", "%h", "%p"))
    variables = {
        "ansible_ssh_common_args": f"-F /var/lib/weft-lab/ssh/config -o ProxyCommand={shlex.quote(proxy)}",
        "ansible_ssh_args": "-o ControlMaster=no -o ControlPath=none",
    }
    return lambda *options: mine.site("-e", json.dumps(variables), *options)


def _address():
    return plane.inside(OPERATOR).ipv4


def _answers():
    answers = reach.ask(_cases(), {"router": plane.gateway(OPERATOR)}, 3)
    return {case for case, answer in answers.items() if answer is not None}


def _cases():
    return [reach.Case(OPERATOR, "router", family, reach.ICMP) for family in reach.FAMILIES]


def test_the_operator_comes_by_his_tunnel_and_may_change_what_leaves_it_open(mine, by_tunnel, on):
    mine.edit(lambda intent: intent["clients"].update(guest={"interface": "wg0", "profile": "lan-only"}))
    since = on("router", "date +'%F %T'").strip()
    run = by_tunnel()
    assert (run.code, run.busy()) == (0, {"router", "nas1"}), run.output
    assert faults.history("router")[0]["result"] == "confirmed"
    entered = on("router", f"journalctl --no-pager -o cat -t sshd --since '{since}' --grep Accepted")
    assert {line.split(" from ")[1].split()[0] for line in entered.splitlines()} == {_address()}


CLOSING = {
    "he_is_no_client_any_more": (
        lambda intent: intent["clients"].pop(OPERATOR),
        "the plan has no peer there with this address",
    ),
    "his_profile_reaches_no_server": (
        lambda intent: intent["clients"][OPERATOR].update(profile="internet-only"),
        "its profile does not let it reach this host any more",
    ),
    "policies_that_do_not_allow_ssh": (
        lambda intent: intent.update(
            networks={"site": {"cidrs": ["172.27.0.0/24", "fd00:27::/64", "198.18.0.0/24", "fd00:18::/64"]}},
            namespaces={"all": {"network": "site"}},
            peers={
                "operator": {"namespace": "all", "client": OPERATOR},
                "router": {"namespace": "all", "server": "router"},
            },
            policies={},
        ),
        "policies deny TCP 22 to 198.18.0.1",
    ),
}


@pytest.mark.fault("F10")
@pytest.mark.parametrize("case", CLOSING)
def test_what_would_shut_him_out_is_refused_before_anything_is_touched(mine, by_tunnel, untouched, case):
    change, words = CLOSING[case]
    with open(mine.path("domain.yaml"), encoding="utf-8") as text:
        before = text.read()
    mine.edit(change)
    files, touched = mine.files(), untouched(*HOSTS)
    run = by_tunnel()
    assert run.code != 0
    assert f"router: ssh session: this run comes by wg0, from {_address()}, and {words}" in run.output
    assert "refused: no host was touched" in run.task("Say what changed where")
    assert touched() == ""
    assert mine.files() == files
    assert _answers() == set(_cases())
    mine.intent(before)


def test_who_comes_another_way_may_do_it_and_then_the_door_is_shut(mine):
    mine.edit(lambda intent: intent["clients"].pop(OPERATOR))
    run = mine.site()
    assert run.code == 0, run.output
    assert _answers() == set()
