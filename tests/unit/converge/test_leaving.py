# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Weft leaves a host: in which order, what is told of what nobody gets back, and what stays when it is to."""

from __future__ import annotations

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.converge.leaving import leave
from ansible_collections.weft.overlay.plugins.module_utils.converge.transaction import UndoneError
from ansible_collections.weft.overlay.plugins.module_utils.kernel.clients.text import NOTHING
from ansible_collections.weft.overlay.plugins.module_utils.kernel.memory import MemoryKernel
from ansible_collections.weft.overlay.plugins.module_utils.model import state as kinds
from ansible_collections.weft.overlay.plugins.module_utils.model.docker import DockerNetwork, SeenNetwork
from ansible_collections.weft.overlay.plugins.module_utils.model.errors import ConflictError, WeftError
from ansible_collections.weft.overlay.plugins.module_utils.model.trace import KEYS, STORE, Spared, Trace
from tests.unit.converge.test_transaction import RUNNER, Faulty, built, host

KEYS_OF_WG0 = Trace("/var/lib/weft/keys", KEYS, "private keys of wg0")
CLIENTS = Trace("/var/lib/weft/clients", KEYS, "configurations, with private keys, of anna")
DENIALS = Trace("/var/lib/weft/audit", words="what this host's policy denied")
THE_STORE = Trace("/srv/weft", STORE, "the store: intent, ledger and files of clients")
MEMORY = Trace("/var/lib/weft/stores.json", STORE)
FOLDER = Trace("/var/lib/weft")
CODE = Trace("/usr/local/lib/weft")
ALL = (DENIALS, CLIENTS, KEYS_OF_WG0, MEMORY, FOLDER, THE_STORE, CODE)
ANNA = NOTHING._replace(name="anna", public_key="a" * 43 + "=")
NETWORK = DockerNetwork("kohakuriver-overlay", "10.1.0.0/16", "10.1.0.1", "kohaku-overlay", 1450, False)


def occupied(containers=()):
    """A runner with data, and with a network of Docker's."""
    observed = built(RUNNER)
    observed = observed._replace(capabilities=observed.capabilities._replace(docker=True))
    seen = SeenNetwork(NETWORK, True, ("10.1.0.0/16",), containers)
    theirs = seen._replace(network=NETWORK._replace(name="bridge"), ours=False, containers=("other",))
    state = {
        **observed.state,
        kinds.CLIENT: {"anna": ANNA},
        kinds.NETWORK: {seen.key(): seen},
        kinds.TRACE: {trace.key(): trace for trace in ALL},
    }
    return observed._replace(state=state, foreign=observed.foreign._replace(networks=(seen, theirs)))


def paths(kernel):
    return set(kernel.observe().state[kinds.TRACE])


def test_all_goes_but_a_store():
    kernel = MemoryKernel(occupied())
    done = leave(kernel, Spared())
    assert paths(kernel) == {THE_STORE.path, MEMORY.path, FOLDER.path}
    assert {kind for kind, values in kernel.observe().state.items() if values} == {kinds.SYSCTL, kinds.TRACE}
    assert done.notes == (
        "net.ipv4.ip_forward stays 1: Docker runs here and needs it (before weft it was 0)",
        "goes for good: what this host's policy denied (/var/lib/weft/audit)",
        "goes for good: configurations, with private keys, of anna (/var/lib/weft/clients)",
        "goes for good: private keys of wg0 (/var/lib/weft/keys)",
        f"kept: {THE_STORE.words} (/srv/weft); a teardown with -e weft_forget_store=true removes it",
    )


def test_a_second_time_there_is_nothing_to_do_and_what_is_kept_is_still_told():
    kernel = MemoryKernel(occupied())
    leave(kernel, Spared())
    again = leave(kernel, Spared())
    assert again.changes == ()
    assert [note.split(":")[0] for note in again.notes] == ["kept"]


def test_a_store_goes_when_it_is_to():
    kernel = MemoryKernel(occupied())
    leave(kernel, Spared(stores=False))
    assert paths(kernel) == set()


def test_keys_and_clients_stay_when_they_are_to():
    kernel = MemoryKernel(occupied())
    done = leave(kernel, Spared(keys=True, stores=False))
    assert paths(kernel) == {KEYS_OF_WG0.path, CLIENTS.path, FOLDER.path}
    assert kernel.observe().state[kinds.CLIENT] == {"anna": ANNA}
    assert (
        "kept: private keys of wg0 (/var/lib/weft/keys); a teardown without weft_keep_keys removes that" in done.notes
    )


def test_networks_go_from_a_host_that_is_clear_then_data_and_the_folder_after_what_is_in_it():
    done = [change.key for change in leave(MemoryKernel(occupied()), Spared(stores=False)).changes]
    assert done[-len(ALL) - 1 :] == [
        NETWORK.name,
        *sorted(trace.path for trace in ALL if trace != FOLDER),
        FOLDER.path,
    ]


def test_running_containers_are_in_the_way_unless_they_are_to_be_cut_off():
    kernel = Faulty(MemoryKernel(occupied(("db", "web"))))
    with pytest.raises(ConflictError, match=r"containers run in it: db web; stop them first"):
        leave(kernel, Spared())
    assert kernel.applied == []
    leave(kernel, Spared(), disconnect=True)
    assert [seen.network.name for seen in kernel.observe().foreign.networks] == ["bridge"]


def test_keys_are_there_as_long_as_anything_may_be_undone():
    observed = occupied()
    steps = len(leave(MemoryKernel(observed), Spared()).changes)
    undone = 0
    for step in range(1, steps):
        kernel = Faulty(MemoryKernel(observed), step)
        with pytest.raises(WeftError) as caught:
            leave(kernel, Spared())
        if isinstance(caught.value, UndoneError):
            undone += 1
            assert paths(kernel) == {trace.path for trace in ALL}
            assert list(kernel.observe().state[kinds.NETWORK]) == [NETWORK.name]
        else:
            assert str(caught.value).startswith(
                (
                    "nothing of weft is at work here any more, but Docker network kohakuriver-overlay: ",
                    "nothing of weft is at work here any more, but left behind /",
                )
            )
        # What is left is for the next one.
        leave(kernel.inner, Spared())
        assert paths(kernel) == {THE_STORE.path, MEMORY.path, FOLDER.path}
    assert undone == steps - 1 - 5


def test_who_waits_to_go_back_is_told_once_the_host_is_clear_and_not_where_it_was_undone():
    kernel = MemoryKernel(occupied())
    seen = []
    leave(kernel, Spared(), cleared=lambda: seen.append((kernel.observe().state[kinds.LINK], paths(kernel))))
    assert seen == [({}, {trace.path for trace in ALL})]
    with pytest.raises(UndoneError):
        leave(Faulty(MemoryKernel(occupied()), 5), Spared(), cleared=lambda: seen.append("undone"))
    assert len(seen) == 1


def test_a_host_that_never_had_anything_of_ours():
    assert leave(host(), Spared()) == ((), (), ())


def test_networks_of_a_docker_that_is_stopped_are_told():
    observed = built(RUNNER)
    done = leave(MemoryKernel(observed._replace(capabilities=observed.capabilities._replace(docker=False))), Spared())
    assert done.notes == (
        "Docker does not answer, so its networks stay, if it has them: kohakuriver-overlay; start it and run again",
    )
