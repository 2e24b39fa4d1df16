# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the host translates between two hooks, as Docker does with published ports: a packet is judged once, by the
addresses that it has at the first hook that it meets."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.model.policy import ALLOW, ANY_PROTOCOL, Verdict
from tests.integration.bpf.hosts import until
from tests.integration.bpf.names import ADDRESSES, FAMILIES
from tests.integration.bpf.outside import DOOR, Outside, nft
from tests.integration.bpf.place import LAN, WEB, WORLD, maps, packet, tcp
from tests.integration.bpf.site import Site
from tests.integration.bpf.test_ports import BRIEFLY, comes

both = pytest.mark.parametrize("family", FAMILIES)

_PUBLISHED = 8080


@pytest.fixture
def outside(site: Site) -> Iterator[Outside]:
    found = Outside(site)
    site.police()
    try:
        yield found
    finally:
        found.close()


def publish(to: int) -> None:
    """Port 8080 of each address of the host is web's port."""
    own = ({DOOR[0], ADDRESSES["host"][0]}, {DOOR[1], ADDRESSES["host"][1]})
    for_four, for_six = (f"{{ {', '.join(sorted(addresses))} }}" for addresses in own)
    four, six = ADDRESSES["web"]
    nft(
        f"nat prerouting: ip daddr {for_four} tcp dport {_PUBLISHED} dnat ip to {four}:{to}",
        f"nat prerouting: ip6 daddr {for_six} tcp dport {_PUBLISHED} dnat ip6 to [{six}]:{to}",
    )


@both
def test_the_world_reaches_a_published_port_where_it_may_reach_the_port_behind_it(
    outside: Outside, family: str
) -> None:
    """No ingress hook has judged it, so it is judged where it leaves: with the address of who receives it."""
    web, at = outside.site.web, family == "ipv6"
    for port, comes_about in ((80, True), (81, False)):
        publish(port)
        with web.listen(family, port):
            assert outside.world.reaches(DOOR[at], _PUBLISHED, 5 if comes_about else BRIEFLY) == comes_about
    assert "NO_RULE" in outside.site.reasons()


@both
def test_a_peers_packet_to_a_published_port_is_judged_as_one_to_the_host(outside: Outside, family: str) -> None:
    """So whoever may ask the host gets to what stands behind, whatever the policy says of that; and the answer, which
    comes from another address than was asked, is none."""
    site, at = outside.site, family == "ipv6"
    publish(80)
    question = packet("lan", ADDRESSES["host"][at], family, tcp(_PUBLISHED), bare=True)
    with site.web.listen(family, 80), site.web.wire() as wire:
        site.tunnel.send(bytes(question))
        until(lambda: "NO_RULE" in site.reasons(), "not judged")
        asks = Verdict(LAN, WORLD, 6, 0, ALLOW, 0, 1)
        site.stage.enforce(maps()._replace(attachments=(), verdicts=(*maps().verdicts, asks)))
        site.tunnel.send(bytes(question))
        # in the frame, web's port behind lan's
        assert comes(wire, (40000).to_bytes(2, "big") + (80).to_bytes(2, "big"), 5)
        until(lambda: "NO_RULE" in site.reasons(), "the answer was not judged")
        answers = Verdict(WEB, LAN, ANY_PROTOCOL, 0, ALLOW, 0, 1)
        site.stage.enforce(maps()._replace(attachments=(), verdicts=(*maps().verdicts, asks, answers)))
        site.tunnel.send(bytes(question))
        asked = (_PUBLISHED).to_bytes(2, "big") + (40000).to_bytes(2, "big")
        assert site.tunnel.receive(lambda raw: asked in raw)


@both
def test_who_is_masqueraded_on_the_way_out_has_answers(outside: Outside, family: str) -> None:
    """It was judged where it came in, and its answers are as if it never had another address."""
    site, at = outside.site, family == "ipv6"
    nft('nat postrouting: oifname "outside" masquerade')
    # nobody out there knows the way back to web
    outside.world.run("ip", f"-{6 if at else 4}", "route", "del", ("10.20.0.0/16", "fd00:20::/32")[at])
    with outside.world.listen(family, 443):
        assert site.web.connect(family, "world", 443, 5)
        site.stage.enforce(maps()._replace(attachments=(), verdicts=()))
        assert not site.web.connect(family, "world", 443, BRIEFLY)
