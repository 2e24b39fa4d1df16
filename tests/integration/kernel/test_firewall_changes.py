# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What happens to clients' traffic, and to the rules of others, when the gates change, in every back end."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.model.access import Reach
from ansible_collections.weft.overlay.tests.integration.kernel import access_hosts as lab
from ansible_collections.weft.overlay.tests.integration.kernel.access_server import (
    BACKENDS,
    FAMILIES,
    saved,
    serving,
    tool,
)


@pytest.fixture(scope="module", params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    value: str = request.param
    return value


@pytest.fixture(scope="module")
def hosts(backend: str) -> Iterator[lab.Hosts]:
    with serving(backend) as made:
        yield made


@pytest.mark.fault("F39")
def test_a_client_that_may_reach_less_loses_what_it_has_open(hosts: lab.Hosts, backend: str) -> None:
    narrow = lab.reach("internet", "c-internet", "c-full", internet=True)
    ways = [(lab.ADDRESSES["c-full"][six], lab.ADDRESSES["lan"][six]) for six in FAMILIES]
    for accesses in ((lab.WG0._replace(reaches=(narrow,)), lab.WG1), (lab.WG0._replace(reaches=()), lab.WG1)):
        for way in ways:
            with hosts.probe("c-full", "hold", *way) as probe:
                assert lab.say(probe) == "came back"
                hosts.converge(backend, *accesses)
                assert lab.say(probe) == "nothing"
                hosts.converge(backend, lab.WG0, lab.WG1)


def test_a_swap_in_the_middle_of_a_transfer_loses_nothing(hosts: lab.Hosts, backend: str) -> None:
    one_more = lab.reach("new", "c-lan", "c-internet", internet=True)
    other = lab.WG0._replace(reaches=(one_more, *lab.WG0.reaches[2:]))
    with (
        hosts.probe("c-full", "stream", lab.ADDRESSES["c-full"][0], lab.ADDRESSES["internet"][0], "4") as four,
        hosts.probe("c-other", "stream", lab.ADDRESSES["c-other"][1], lab.ADDRESSES["lan"][1], "4") as six,
    ):
        for _time in range(4):
            hosts.converge(backend, other, lab.WG1)
            hosts.converge(backend, lab.WG0, lab.WG1)
        for probe in (four, six):
            assert probe.stdout is not None
            sent, came = probe.stdout.readline().split()
            assert int(sent) > 1000
            assert came == sent


def test_a_second_look_finds_what_was_applied(hosts: lab.Hosts, backend: str) -> None:
    seen = hosts.converge(backend, lab.WG0, lab.WG1)
    assert (seen["equal"], seen["faults"]) == (True, [])
    assert seen["keys"] == ["nft" if backend == "none" else backend]


@pytest.mark.fault("F26")
def test_what_somebody_flushes_or_adds_is_a_difference_and_mended(hosts: lab.Hosts, backend: str) -> None:
    four, six = (tool(backend, family) for family in FAMILIES)
    nft = (
        ("nft", "flush chain inet weft_overlay reach_wg0_0"),
        ("nft", "insert rule inet weft_overlay leave_wg0 accept"),
        ("nft", "delete chain inet weft_overlay access_nat"),
    )
    iptables = (
        (four, "-t", "mangle", "-F", "WEFT-L-wg0"),
        (six, "-t", "mangle", "-I", "WEFT-C-wg1", "-j", "RETURN"),
        (six, "-D", "FORWARD", "2"),
        (four, "-t", "mangle", "-F", "PREROUTING"),
    )
    for command in nft if backend == "none" else iptables:
        hosts.run("server", *command)
        assert not hosts.converge(backend, lab.WG0, lab.WG1)["equal"], command
        assert hosts.converge(backend, lab.WG0, lab.WG1)["equal"], command
    if backend != "none":
        # What others put above our calls is theirs.
        hosts.run("server", six, "-I", "FORWARD", "-j", "DOCKER-USER")
        assert hosts.converge(backend, lab.WG0, lab.WG1)["equal"]
        hosts.run("server", six, "-D", "FORWARD", "1")


def test_a_thousand_clients(hosts: lab.Hosts, backend: str, capsys: pytest.CaptureFixture[str]) -> None:
    """They work, and what they cost is printed."""
    many = [f"10.8.{number // 256}.{number % 256}" for number in range(16, 1016)]
    many += [f"fd08::{number:x}" for number in range(16, 1016)]
    crowd = Reach("crowd", tuple(many), internet=True)
    wide = lab.WG0._replace(subnets=("10.8.0.0/16", "fd08::/64"), reaches=(*lab.WG0.reaches, crowd))
    own, target = lab.ADDRESSES["c-full"][0], lab.ADDRESSES["internet"][0]

    def flood() -> float:
        text = hosts.run("c-full", "ping", "-q", "-f", "-c", "20000", "-I", own, target)
        found = re.search(r"received, 0% packet loss, time (\d+)ms", text)
        assert found is not None, text
        return float(found.group(1)) / 20

    few = flood()
    load = hosts.converge(backend, wide, lab.WG1)["seconds"]
    again = hosts.converge(backend, wide, lab.WG1)
    assert again["equal"]
    full = flood()
    with capsys.disabled():
        print(
            f"\n{backend}: 1000 clients load in {load:.2f} s; a ping takes {few:.1f} µs with 5 and {full:.1f} with 1000"
        )
    hosts.converge(backend, lab.WG0, lab.WG1)


def test_zz_nothing_of_ours_is_left_and_foreign_rules_are_as_they_were(hosts: lab.Hosts, backend: str) -> None:
    hosts.converge(backend)
    assert hosts.converge(backend)["keys"] == []
    assert saved(hosts, backend) == hosts.foreign
    assert "weft" not in hosts.run("server", "nft", "list", "ruleset")
