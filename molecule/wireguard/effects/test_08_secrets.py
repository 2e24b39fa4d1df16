"""No private and no preshared key is anywhere but in the files made for it: looked for by their very bytes."""

from __future__ import annotations

import pytest

from lab import machine, plane
from lab.paths import host_root
from lab.secrets import PLACES, known, told

HOSTS = ("router", "nas1", "peer1", "hub", "runner1", "runner2")
# Not of this host alone, or what its packages brought.
ELSEWHERE = ("/proc", "/sys", "/usr", "/var/lib/docker")


@pytest.fixture(scope="module")
def secrets(inventory):
    """Every private and preshared key there is: in use (wg), in the files of the keys, and of the clients."""
    found = known("router", "nas1", "peer1")
    assert len(found) > 2 * (len(plane.ON_ROUTER) + len(plane.ON_NAS))
    return found


@pytest.fixture(scope="module")
def loud(inventory):
    """A run that makes keys, changes peers and writes files, as talkative as Ansible can be; one in check mode, and the
    plans alone."""
    inventory.edit(
        lambda intent: intent["clients"].update(
            loud1={"interface": "wg0", "profile": "full"}, loud2={"interface": "wg1", "profile": "lan-only"}
        )
    )
    runs = [inventory.site("-vvvv", "--diff"), inventory.site("-vvvv", "--diff", "--check"), inventory.plan("-vvvv")]
    for run in runs:
        assert run.code == 0, run.output[-3000:]
    assert {"router", "nas1"} <= runs[0].busy()
    return runs


@pytest.mark.fault("F54")
def test_nothing_of_a_run_with_vvvv_has_a_key_in_it(loud, secrets):
    for run in loud:
        assert len(run.output) > 20_000
        assert told(secrets, run.output) == []


@pytest.mark.fault("F55")
def test_plans_ledger_and_all_beside_the_inventory_have_none(inventory, loud, secrets):
    files = inventory.files()
    assert any(path.startswith("build/plans/") for path in files)
    assert {path: told(secrets, data) for path, data in files.items() if told(secrets, data)} == {}


@pytest.mark.fault("F54")
@pytest.mark.parametrize("name", HOSTS)
def test_the_journal_has_none(loud, secrets, name):
    journal = machine.execute(name, "journalctl", "--no-pager", "-o", "cat", "--all").stdout
    assert journal
    assert told(secrets, journal) == []


@pytest.mark.fault("F55")
@pytest.mark.parametrize("name", HOSTS)
def test_no_file_but_those_made_for_keys_has_one(loud, secrets, name):
    """Looked for in everything that this host wrote to its disk or its memory since it was new; and found, where we
    put one ourselves."""
    needles, planted = host_root(name) + "/root/.lab-keys", host_root(name) + "/var/tmp/lab-planted"
    pruned = " -o ".join(f"-path {place}" for place in (*PLACES, "/root/.lab-keys", *ELSEWHERE))
    with open(needles, "w", encoding="ascii") as out, open(planted, "w", encoding="ascii") as found:
        out.write("\n".join(secrets) + "\n")
        found.write(f"before {secrets[-1]} and after")
    try:
        look = f"find / \\( {pruned} \\) -prune -o -type f -print0 | xargs -0 grep -laFf /root/.lab-keys"
        done = machine.execute(name, "sh", "-c", look)
    finally:
        machine.execute(name, "rm", "/root/.lab-keys", "/var/tmp/lab-planted")
    assert done.stdout.split() == ["/var/tmp/lab-planted"]


@pytest.mark.fault("F55")
@pytest.mark.parametrize("name", ["router", "nas1", "peer1"])
def test_what_has_one_is_for_root_alone(loud, name):
    for place in PLACES:
        look = f"find {place} -type f -perm /077 ! -name '*.pub' ! -name lock 2>/dev/null"
        loose = machine.execute(name, "sh", "-c", look)
        assert loose.stdout == ""
        closed = machine.execute(name, "sh", "-c", f"find {place} -maxdepth 0 -perm /077 2>/dev/null")
        assert closed.stdout == ""


@pytest.mark.fault("F54")
def test_no_command_line_has_ever_had_one(loud, secrets):
    """Of the processes that are there; wireguard-go and what watches over it live as long as the plane."""
    for name in ("router", "nas1", "peer1"):
        lines = machine.execute(
            name, "sh", "-c", "cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n'"
        )
        assert told(secrets, lines.stdout) == []


@pytest.mark.fault("F55")
def test_the_store_has_the_servers_keys_only_sealed(loud, secrets):
    private = machine.execute("router", "wg", "show", "wg0", "private-key").stdout.strip()
    assert machine.execute("nas1", "grep", "-rlF", private, "/srv/weft").stdout == ""
