"""The demo's rows about the VPN: clients of inventories/lab with the files that were made for them."""

from __future__ import annotations

from . import clients, flow, machine, plane, reach, traffic, wg
from .proof import Row, expect
from .reach import ICMP, TCP, Case
from .shell import wait_until

ON_ROUTER = ("tablet", "phone", "laptop")  # lan-only, internet-only, full
ON_NAS = "scanner"
LAN_HOST = "198.18.0.10"


def handshakes() -> str:
    plane.start(*ON_ROUTER, ON_NAS)
    ages = [clients.handshake_age(name) for name in (*ON_ROUTER, ON_NAS)]
    expect(None not in ages, "a client has shaken hands with nobody")
    return f"{len(ages)} clients answer and are answered over IPv4 and IPv6"


def truth_table() -> str:
    with plane.sending_everything(*ON_ROUTER):
        wrong = plane.faults(("tablet", "phone"), other="laptop") + plane.faults(("laptop",), other="tablet")
    expect(not wrong, "; ".join(wrong))
    ways = len(ON_ROUTER) * 7 * len(reach.FAMILIES) * len(reach.PROTOCOLS)
    return f"{ways} ways tried by clients that send everything: each as its profile says"


def ways_out() -> str:
    cases = [Case(name, "internet", family, TCP) for name in ("laptop", "tablet") for family in reach.FAMILIES]
    found = list(reach.ask(cases, reach.destinations()).values())
    expect(tuple(found[:2]) == plane.ROUTER_WAN, f"the internet saw {found[:2]} instead of the router")
    expect(found[2] == clients.address("tablet"), f"the internet saw {found[2]} instead of the tablet")
    return f"the laptop arrives as {found[0]}, the tablet as {found[2]}"


def server_on_the_nas() -> str:
    case = Case(ON_NAS, "lan", reach.IPV4, TCP)
    seen = reach.ask([case], reach.destinations())[case]
    expect(seen == "198.18.0.2", f"the LAN saw {seen or 'nobody'}")
    endpoint = clients.peer(ON_NAS).endpoint
    return f"{endpoint}, forwarded by the router; the LAN sees {seen}"


def roaming() -> str:
    key, here = clients.public_key("laptop"), clients.address("laptop")
    with flow.pings("laptop", LAN_HOST) as accounts, flow.transfer("laptop", "198.18.0.2", 10, rate=5) as deliveries:
        clients.move("laptop", "198.19.2.99")
        wait_until("the router to notice", lambda: "198.19.2.99" in wg.peers("router", "wg0")[key].endpoint, 10)
    clients.move("laptop", here)
    expect(deliveries[0].whole, "what arrived was not what was sent")
    return f"{here} → 198.19.2.99, 10 MB arrived whole, {accounts[0].silence * 1000:.0f} ms of silence"


def managed_peer() -> str:
    with traffic.captured("host 198.18.0.10 or host fd00:18::10", "lab1") as outside:
        for target in (LAN_HOST, "fd00:18::10"):
            done = machine.execute("peer1", "ping", "-c2", "-i0.2", "-W2", target)
            expect(done.returncode == 0, f"no answer from {target}")
    expect(not outside, f"seen in the open: {outside}")
    return "both families, and nothing of it in the open"


def stranger() -> str:
    """A client that was never declared, with a configuration that is right but for its key."""
    text = wg.with_setting(plane.conf("tablet"), "PrivateKey", clients.must(clients.ROAD, "wg", "genkey").strip())
    clients.start("stranger", text)
    case = Case("stranger", "nas", reach.IPV4, ICMP)
    answer = reach.ask([case], reach.destinations())[case]
    handshake = clients.handshake_age("stranger")
    clients.stop("stranger")
    expect(answer is None and handshake is None, "the stranger was let in")
    return "no handshake, no answer"


ROWS = (
    Row("VPN clients with the files made for them", handshakes),
    Row("profiles lan-only, internet-only, full", truth_table),
    Row("full tunnel and split tunnel → internet", ways_out),
    Row("WireGuard on the NAS, behind the router", server_on_the_nas),
    Row("a client changes its network in mid-transfer", roaming),
    Row("a managed peer elsewhere → LAN", managed_peer),
    Row("somebody with another key", stranger),
)
