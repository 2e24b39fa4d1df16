"""No private and no preshared key is in what other playbooks and the commands of hosts say, leave behind, or pass on to
the processes that they start. `show` alone tells a key: that is what it is for."""

from __future__ import annotations

import pytest

from lab import machine, plane
from lab.secrets import PLACES, known, processes, told

HOSTS = ("router", "nas1", "peer1", "hub", "runner1", "runner2")
SERVERS = ("router", "nas1", "peer1")
COMMANDS = (
    "weft",
    "weft status",
    "weft status --json",
    "weft status --metrics",
    "weft history",
    "weft history --json",
    "weft history $(weft history --json | sed -n '1s/.*\"number\": \\([0-9]*\\).*/\\1/p')",
    "weft client",
    "weft client list",
    "weft confirm",
    "weft rollback 4711",
    "weft rollback --pending",
    "weft apply",
    "cat /var/lib/weft/journal.jsonl /var/lib/weft/plan.json /var/lib/weft/plans/*",
    "systemctl status --no-pager 'weft*'",
    "journalctl --no-pager -o verbose --all",
)
PLAYS = (
    ("client", "-e", "add=quiet1 interface=wg0 profile=full"),
    ("client", "-e", "renew=quiet1", "-e", "new_key=true"),
    ("status",),
    ("history",),
    ("rotate", "-e", "target=peer1"),
    ("client", "-e", "revoke=quiet1"),
    ("recover", "-e", "target=router"),
    ("plan",),
    ("teardown", "--check"),
    ("teardown", "-e", "weft_keep_keys=true", "-e", "weft_disconnect=true", "--limit", "peer1"),
    ("site",),
)


@pytest.fixture(scope="module")
def said():
    """(what every play and command said, every key that there was meanwhile, every process that was seen)."""
    mine = plane.inventory()
    began = mine.site()
    assert began.code == 0, began.output
    keys, texts = set(known(*SERVERS)), {}
    with processes() as seen:
        for play in PLAYS:
            run = mine.play(*play, "-vvvv", "--diff")
            assert run.code == 0, run.output[-3000:]
            texts[" ".join(play)] = run.output
            keys |= set(known(*SERVERS))
        for name in HOSTS:
            for command in COMMANDS:
                done = machine.execute(name, "sh", "-c", command)
                texts[f"{name}: {command}"] = done.stdout + done.stderr
    yield texts, sorted(keys), seen, mine
    mine.restore()
    ended = mine.site()
    assert ended.code == 0, ended.output


@pytest.mark.fault("F54")
def test_no_play_and_no_command_says_one(said):
    texts, keys, _seen, _mine = said
    assert len(keys) > 2 * (len(plane.ON_ROUTER) + len(plane.ON_NAS))
    assert {what: told(keys, text) for what, text in texts.items() if told(keys, text)} == {}


@pytest.mark.fault("F54")
def test_no_process_ever_had_one_as_argument_or_in_its_environment(said):
    _texts, keys, seen, _mine = said
    assert any(b"ansible-playbook" in line for line in seen)
    assert any(b"SSH_CONNECTION=" in line for line in seen), "no process of a host was seen"
    assert told(keys, b"\n".join(seen)) == []


@pytest.mark.fault("F55")
def test_nothing_beside_the_inventory_has_one(said):
    _texts, keys, _seen, mine = said
    assert {path: told(keys, data) for path, data in mine.files().items() if told(keys, data)} == {}


@pytest.mark.fault("F55")
@pytest.mark.parametrize("name", SERVERS)
def test_what_has_one_can_be_read_by_root_alone(said, name):
    """Looked for in all that others can read, and found where we put one ourselves."""
    _texts, keys, _seen, _mine = said
    pruned = " -o ".join(f"-path {place}" for place in ("/proc", "/sys", "/usr", "/var/lib/docker"))
    machine.execute(name, "sh", "-c", "umask 077; cat >/root/.lab-keys; tail -1 /root/.lab-keys >/var/tmp/lab-planted; "
                    "chmod 644 /var/tmp/lab-planted", stdin="\n".join(keys) + "\n")  # fmt: skip
    look = f"find / \\( {pruned} \\) -prune -o -type f -perm /044 -print0 | xargs -0 grep -laFf /root/.lab-keys"
    found = machine.execute(name, "sh", "-c", look).stdout.split()
    machine.execute(name, "rm", "/root/.lab-keys", "/var/tmp/lab-planted")
    assert found == ["/var/tmp/lab-planted"]
    for place in PLACES:
        assert machine.execute(name, "sh", "-c", f"find {place} -maxdepth 0 -perm /077 2>/dev/null").stdout == ""
