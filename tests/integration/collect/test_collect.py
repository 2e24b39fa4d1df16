# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Denials of all hosts arrive on the NAS, each once, of whom they are: with real TLS, processes that die, and disks."""

from __future__ import annotations

import os
import random
import ssl
import subprocess
import time

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.edge.denials.tls import calling
from ansible_collections.weft.overlay.plugins.module_utils.kernel.keys.certificates import make_audit
from ansible_collections.weft.overlay.plugins.module_utils.kernel.spool.reader import unsent_octets
from ansible_collections.weft.overlay.plugins.module_utils.model.sending import (
    NOTHING,
    Batch,
    Position,
    RefusedError,
    header,
    hello,
    of_answer,
)
from tests.integration.collect.conftest import NOW, PORT, Site, until
from tests.integration.kernel.conftest import Host

MARK = "0123456789abcdef" * 2
FIRST = Position(1, int(NOW), 0)


def test_denials_of_every_host_arrive_each_in_a_folder_of_its_own(site: Site) -> None:
    site.add("hub", "web.example/1", "..")
    site.plan_of_nas("hub", "..", "nas")
    for number, name in enumerate(("hub", "..")):
        site.deny(name, f"{number} a", f"{number} b")
    collector = site.collect()
    senders = [site.send(name) for name in ("hub", "..")]
    site.arrives("hub", "0 a", "0 b")
    site.arrives("..", "1 a", "1 b")
    site.deny("hub", "later")
    site.arrives("hub", "0 a", "0 b", "later")
    until(lambda: unsent_octets(site.spool("hub")) == 0, "it does not know what it has sent")
    assert [service.stop() for service in (*senders, collector)] == [0, 0, 0]
    assert {path.name for path in (site.store / "audit").iterdir()} == {"hub", "%2E%2E"}


def test_by_ipv6_and_by_the_address_that_answers(site: Site, host: Host) -> None:
    host.ip("addr add fd00::5/128 dev lo nodad")
    site.addresses = ("127.0.0.1", "fd00::5")
    site.add("hub")
    site.addresses = ("fd00::5",)
    site.plan_of_nas("hub")
    site.deny("hub", "a")
    site.collect()
    site.send("hub")
    site.arrives("hub", "a")


def test_an_address_that_the_nas_gets_later_is_listened_on_by_then(site: Site, host: Host) -> None:
    site.addresses = ("192.0.2.77",)
    site.add("hub")
    site.plan_of_nas("hub")
    site.deny("hub", "a")
    site.collect()
    sender = site.send("hub")
    sender.says("cannot be reached")
    host.ip("addr add 192.0.2.77/32 dev lo")
    site.arrives("hub", "a")
    sender.says("works again")


def test_a_nas_that_is_away_and_back_loses_nothing_whoever_dies_meanwhile(site: Site) -> None:
    chance = random.Random(7)  # noqa: S311  # the same each time
    site.add("hub")
    site.plan_of_nas("hub")
    said: list[str] = []
    collector, sender = site.collect(), site.send("hub")
    for _turn in range(8):
        for _more in range(5):
            batch = [f"line {len(said) + number} ".ljust(3000, "x") for number in range(60)]
            said += batch
            site.deny("hub", *batch)
        time.sleep(chance.uniform(0.0, 1.5))
        if chance.random() < 0.6:
            collector.kill()
            collector = site.collect()
        if chance.random() < 0.6:
            sender.kill()
            sender = site.send("hub")
    until(lambda: len(site.here("hub")) >= len(said), "not all has arrived", 90)
    assert site.here("hub") == said


def test_who_has_another_certificate_is_refused_and_both_are_told(site: Site) -> None:
    site.add("hub", "stranger")
    site.plan_of_nas("hub")
    site.deny("stranger", "a")
    collector, sender = site.collect(), site.send("stranger")
    sender.says("the collector does not accept this host's certificate")
    collector.says("refused 127.0.0.1: it does not show the certificate of a host that sends here")
    assert os.listdir(site.store / "audit") == []


def test_nothing_is_sent_to_who_is_not_the_nas(site: Site) -> None:
    site.add("hub")
    site.plan_of_nas("hub")
    site.plan_of("hub", make_audit(site.key("another nas")))
    site.deny("hub", "a")
    site.collect()
    site.send("hub").says("who answers is not the collector: its certificate is another one")
    assert os.listdir(site.store / "audit") == []
    assert unsent_octets(site.spool("hub")) == 2


def test_a_certificate_that_a_known_one_has_signed_is_not_a_known_one(site: Site) -> None:
    """A host could make one for somebody else."""
    site.add("hub", "made")
    site.plan_of_nas("hub")
    folder = site.folder
    (folder / "request").write_text("", encoding="utf-8")
    key = ["openssl", "req", "-new", "-key", site.key("made"), "-subj", "/CN=made", "-out", str(folder / "request")]
    subprocess.run(key, check=True, capture_output=True)
    sign = [
        "openssl",
        "x509",
        "-req",
        "-in",
        str(folder / "request"),
        "-CA",
        site.key("hub"),
        "-CAkey",
        site.key("hub"),
    ]
    made = subprocess.run([*sign, "-days", "9"], check=True, capture_output=True, text=True).stdout
    private = subprocess.run(["openssl", "ec", "-in", site.key("made")], check=True, capture_output=True, text=True)
    (folder / "chain.pem").write_text(private.stdout + made + site.certificates["hub"], encoding="utf-8")
    site.deny("made", "a")
    collector = site.collect()
    sender = site.send("made", str(folder / "chain.pem"))
    collector.says("refused 127.0.0.1")
    until(lambda: bool(sender.said), "the sender was not told")
    assert os.listdir(site.store / "audit") == []


@pytest.mark.fault("F34")
def test_dates_decide_nothing_for_a_clock_may_be_wrong(site: Site) -> None:
    site.add("hub")
    begin = ["openssl", "x509", "-new", "-subj", "/CN=weft-audit-old", "-signkey", site.key("hub"), "-days", "-1"]
    old = subprocess.run(begin, check=True, capture_output=True, text=True).stdout
    over = ["openssl", "x509", "-noout", "-checkend", "0"]
    assert subprocess.run(over, input=old, capture_output=True, text=True, check=False).returncode == 1
    private = subprocess.run(["openssl", "ec", "-in", site.key("hub")], check=True, capture_output=True, text=True)
    (site.folder / "old.pem").write_text(private.stdout + old, encoding="utf-8")
    site.certificates["hub"] = old
    site.plan_of_nas("hub")
    site.deny("hub", "a")
    site.collect()
    site.send("hub", str(site.folder / "old.pem"))
    site.arrives("hub", "a")


def test_nobody_speaks_an_older_tls(site: Site) -> None:
    site.add("hub")
    site.plan_of_nas("hub")
    collector = site.collect()
    site.call("hub").close()
    context = calling(site.certificates["nas"], site.key("hub"))
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises(ssl.SSLError), context.wrap_socket(site.plain()):
        pass
    collector.says("refused 127.0.0.1")


@pytest.mark.fault("F57")
def test_a_host_cannot_write_as_another_whatever_it_says(site: Site) -> None:
    site.add("hub", "web")
    site.plan_of_nas("hub", "web")
    collector = site.collect()
    with site.call("web") as stream, stream.makefile("rb") as said:
        stream.sendall(hello(MARK))
        assert of_answer(said.readline()) == NOTHING
        stream.sendall(header(Batch(FIRST, b'{"host": "hub"}\n')) + b'{"host": "hub"}\n')
        assert of_answer(said.readline()) == FIRST._replace(offset=16)
    site.arrives("web", '{"host": "hub"}')
    assert os.listdir(site.store / "audit") == ["web"]
    assert collector.said == ""


@pytest.mark.fault("F58")
@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", "a message is not JSON"),
        (b"x" * 5000, "a message is too long"),
        (b'{"weft": 1, "spool": "../../../etc"}\n', "is not the mark of a spool"),
        (hello(MARK) + b'{"at": [1, 2, 0], "octets": 1000000000}\n', "a batch of 1000000000 octets"),
        (hello(MARK) + header(Batch(FIRST, b"no end")) + b"no end", "no whole lines of a segment"),
    ],
)
def test_what_is_no_message_is_refused_with_the_reason(site: Site, data: bytes, why: str) -> None:
    site.add("hub")
    site.plan_of_nas("hub")
    collector = site.collect()
    with site.call("hub") as stream, stream.makefile("rb") as said:
        stream.sendall(data)
        answers = said.read().splitlines(keepends=True)
        with pytest.raises(RefusedError, match=why.split(maxsplit=1)[0]):
            of_answer(answers[-1])
    collector.says("hub: ")
    assert why in collector.said
    assert site.here("hub") == []


def test_a_batch_that_was_cut_off_is_not_there_and_comes_again(site: Site) -> None:
    site.add("hub")
    site.plan_of_nas("hub")
    site.deny("hub", "first", "second")
    site.collect()
    mark = MARK
    with open(f"{site.spool('hub')}/mark", "w", encoding="ascii") as stream:
        stream.write(mark + "\n")
    whole = header(Batch(FIRST, b"first\nsecond\n")) + b"first\nsecond\n"
    for cut in range(1, len(whole), 7):
        with site.call("hub") as stream, stream.makefile("rb") as said:
            stream.sendall(hello(mark))
            assert of_answer(said.readline()) == NOTHING
            stream.sendall(whole[:cut])
        assert site.here("hub") == []
    site.send("hub")
    site.arrives("hub", "first", "second")


def test_a_second_connection_of_a_host_takes_the_place_of_the_first(site: Site) -> None:
    site.add("hub")
    site.plan_of_nas("hub")
    site.collect()
    with site.call("hub") as first, first.makefile("rb") as said:
        first.sendall(hello(MARK))
        said.readline()
        with site.call("hub") as second, second.makefile("rb") as other:
            second.sendall(hello(MARK))
            other.readline()
            assert said.readline() == b""
            second.sendall(header(Batch(FIRST, b"a\n")) + b"a\n")
            assert of_answer(other.readline()).offset == 2


def test_a_full_disk_at_the_nas_loses_nothing(site: Site) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "none", str(site.store)], check=True)
    try:
        site.have_a_store()
        (site.store / "audit").mkdir()
        with open(site.store / "filler", "wb") as stream:
            stream.write(bytes(200 << 10))
        site.add("hub")
        site.plan_of_nas("hub")
        said = [f"{number} ".ljust(1000, "x") for number in range(100)]
        site.deny("hub", *said)
        collector, sender = site.collect(), site.send("hub")
        sender.says("the collector refuses: spool ")
        collector.says("hub: spool ")
        assert "No space left on device" in sender.said
        assert "No space left on device" in collector.said
        os.unlink(site.store / "filler")
        site.arrives("hub", *said)
        sender.says("works again")
        collector.says("hub: works again")
        for service in (collector, sender):
            service.stop()
    finally:
        subprocess.run(["umount", str(site.store)], check=True)


def test_where_the_stores_disk_is_missing_nothing_is_written_and_nothing_lost(site: Site) -> None:
    site.stores.write_text(f'{{"{site.store}": "1"}}', encoding="utf-8")
    os.rename(site.store, site.folder / "disk")
    site.store.mkdir()
    site.add("hub")
    site.plan_of_nas("hub")
    site.deny("hub", "a")
    collector, sender = site.collect(), site.send("hub")
    collector.says("store 1 was here, and now there is none: is its disk mounted?")
    sender.says(f"127.0.0.1 port {PORT}: ")
    assert os.listdir(site.store) == []
    site.store.rmdir()
    os.rename(site.folder / "disk", site.store)
    site.arrives("hub", "a")


def test_where_there_is_no_store_yet_it_waits_and_begins_anew_with_one(site: Site) -> None:
    os.unlink(site.store / "weft-store")
    (site.store / "audit").rmdir()
    site.add("hub")
    site.plan_of_nas("hub")
    collector = site.collect()
    collector.says("there is none yet; denials stay on their hosts until there is")
    site.have_a_store()
    assert collector.end() == 1
    assert "it begins anew" in collector.said


def knows(site: Site, host: str) -> bool:
    """Whether the collector takes what comes from a host."""
    with site.call(host) as stream, stream.makefile("rb") as said:
        try:
            stream.sendall(hello(MARK))
            return bool(said.readline())
        except OSError:
            return False


def test_of_a_host_that_the_plan_has_no_more_nothing_is_taken(site: Site) -> None:
    site.add("hub", "web")
    site.plan_of_nas("hub", "web")
    site.deny("web", "a")
    site.collect()
    sender = site.send("web")
    site.arrives("web", "a")
    site.plan_of_nas("hub")
    until(lambda: not knows(site, "web"), "it is still taken")
    site.deny("web", "b")
    sender.says("the collector does not accept this host's certificate")
    assert site.here("web") == ["a"]
    site.plan_of_nas("hub", "web")
    site.arrives("web", "a", "b")


def test_a_host_whose_disk_was_wiped_goes_on_after_what_it_sent_before(site: Site) -> None:
    site.add("hub")
    site.plan_of_nas("hub")
    site.deny("hub", "before")
    site.collect()
    sender = site.send("hub")
    site.arrives("hub", "before")
    sender.kill()
    subprocess.run(["rm", "-r", site.spool("hub")], check=True)
    site.deny("hub", "after")
    site.send("hub")
    site.arrives("hub", "before", "after")


def test_a_host_without_a_word_to_send_is_asked_nothing(site: Site) -> None:
    """The spool may not be there yet."""
    site.add("hub")
    site.plan_of_nas("hub")
    os.makedirs(site.spool("hub"), mode=0o700)
    collector, sender = site.collect(), site.send("hub")
    time.sleep(1.5)
    assert (sender.process.poll(), collector.process.poll()) == (None, None)
    site.deny("hub", "a")
    site.arrives("hub", "a")
