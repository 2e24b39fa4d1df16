"""Every effect file starts from hosts that have nothing of weft, and something of others; and leaves them so."""

from __future__ import annotations

import pytest

from lab import snapshot, tenants, whole
from lab.shell import wait_until
from lab.traffic import must

ALL_GOES = ("-e", "weft_forget_store=true")
# What weft writes into, or beside, and is not its own.
THEIRS = {
    "hub": (
        "firewall-cmd --quiet --permanent --zone=public --add-port=8080/tcp",
        "firewall-cmd --quiet --reload",
    ),
    # Docker puts its rules back after a reload in another order than after its start, and not all of them; before 28.1
    # also those of networks that it had since its start.
    "runner1": (
        "systemctl restart docker",
        "firewall-cmd --quiet --permanent --direct --add-rule ipv4 filter INPUT 5 -s 192.0.2.66 -j DROP",
        "firewall-cmd --quiet --reload",
    ),
    "runner2": (
        "iptables -N THEIRS 2>/dev/null; iptables -C FORWARD -j THEIRS 2>/dev/null || iptables -A FORWARD -j THEIRS",
    ),
    "router": ("sysctl -qw net.ipv4.conf.all.accept_redirects=0",),
    "nas1": ("nft add table inet theirs; nft 'add chain inet theirs in { type filter hook input priority 5; }'",),
}


class Left:
    """The inventory, and what the hosts were before weft first touched them."""

    def __init__(self):
        self.mine = tenants.inventory()
        self.before = {}

    def built(self, *options):
        run = self.mine.site(*options)
        assert run.code == 0, run.output
        return run

    def left(self, *options):
        run = self.mine.play("teardown", *options)
        assert run.code == 0, run.output
        return run

    def differences(self, *names):
        """What is otherwise than before on these hosts; "": nothing."""
        wanted = {name: self.before[name] for name in names or tenants.MEMBERS}
        return snapshot.differences(wanted, whole.take_all(*wanted))


@pytest.fixture(scope="session")
def summary():
    """The table at the end of a run: summary(run)."""
    return lambda run: run.task("Say what went where").partition("\nnext:")[0]


def _docker_rests():
    """Docker has put back its rules after the reload: each look is as the one before."""
    looks = [""]

    def same():
        looks.append(must("runner1", "sh", "-c", "iptables-save; firewall-cmd --get-active-zones"))
        return "-o docker0 -j DOCKER" in looks[-1] and _rules(looks[-1]) == _rules(looks[-2])

    wait_until("Docker's rules on runner1", same, 20, 1)


def _rules(text):
    return [line for line in text.splitlines() if line.startswith(("-", "docker", " "))]


@pytest.fixture(scope="module")
def leaving():
    for name, commands in THEIRS.items():
        for command in commands:
            must(name, "sh", "-c", command)
    _docker_rests()
    found = Left()
    found.mine.forget()
    found.before = whole.take_all(*tenants.MEMBERS)
    assert "weft" not in "".join(text for sections in found.before.values() for text in sections.values())
    yield found
    found.left(*ALL_GOES, "-e", "weft_disconnect=true")
