"""VPN clients: each a network namespace behind the provider `road`, with an address of its own, set up by wg-quick.

What a person would do with a client's file is done with it here: `wg-quick up`, with wireguard-go below. So a file
that wg-quick cannot use fails, and a full tunnel has the rules that wg-quick makes. DNS lines alone are left out: the
lab has no resolver to tell. Many clients are cheap: a namespace and one small process each.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from subprocess import CompletedProcess

from . import machine, wg
from .host import HOME, MOBILE
from .paths import host_file
from .shell import LabError, wait_until

ROAD = "road"
GATEWAY = "provider"
NETS = dict((HOME, MOBILE))  # IPv4 prefix → IPv6 prefix
FIRST, LAST = 10, 250

# wireguard-go has one control socket for each interface name and host, whatever namespace it is in: names are unique.
_LINK = "vpn{}"
_PORT = "cable{}"

_GATEWAY = "\n".join(
    [
        "set -e",
        # A bridge without a MAC of its own takes the lowest of its ports: with each client that goes, the others would
        # for half a minute send to a MAC that nobody has.
        f"ip link show {GATEWAY} >/dev/null 2>&1 || ip link add {GATEWAY} address 02:76:00:00:01:00 type bridge",
        f"ip link set {GATEWAY} up",
        *(f"ip address replace {v4}.1/24 dev {GATEWAY}" for v4 in NETS),
        *(f"ip address replace {v6}:1/64 dev {GATEWAY} nodad" for v6 in NETS.values()),
    ]
)


def must(name: str, *argv: str, stdin: str | None = None) -> str:
    """Run a command in the host `road` or (name) in a client. Raises LabError with its stderr if it fails."""
    done = execute(name, *argv, stdin=stdin) if name != ROAD else machine.execute(ROAD, *argv, stdin=stdin)
    if done.returncode != 0:
        raise LabError(f"{name}: {' '.join(argv)[:200]}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def running() -> dict[str, int]:
    """The clients there are, and the number of each: the last one of its addresses."""
    done = machine.execute(ROAD, "ip", "-j", "link", "show", "master", GATEWAY)
    links = json.loads(done.stdout) if done.returncode == 0 and done.stdout.strip() else []
    found = {link["ifalias"]: int(link["ifname"].removeprefix(_PORT.format(""))) for link in links if "ifalias" in link}
    return dict(sorted(found.items()))


def link(name: str) -> str:
    """What the client's WireGuard interface is called in its namespace."""
    return _LINK.format(_number(name))


def exec_argv(name: str, *argv: str) -> list[str]:
    """The command line, on this machine, of a command in a client."""
    return machine.exec_argv(ROAD, ["ip", "netns", "exec", name, *argv])


def execute(name: str, *argv: str, stdin: str | None = None) -> CompletedProcess[str]:
    return machine.execute(ROAD, "ip", "netns", "exec", name, *argv, stdin=stdin)


def start(name: str, conf_text: str) -> None:
    start_all({name: conf_text})


def start_all(confs: Mapping[str, str]) -> None:
    """Bring up one client for each configuration, all at once. One that runs already is started anew.

    Raises LabError with what wg-quick said of each that does not come up."""
    known = running()
    for name in confs.keys() & known.keys():
        stop(name)
    must(ROAD, "sh", "-c", _GATEWAY)
    free = [number for number in range(FIRST, LAST) if number not in set(running().values())]
    numbered = dict(zip(confs, free))
    must(
        ROAD,
        "ip",
        "-batch",
        "-",
        stdin="".join(f"netns add {name}\n{_cable(name, number)}" for name, number in numbered.items()),
    )
    for name, number in numbered.items():
        _set_address(name, f"{HOME[0]}.{number}")
    _together(lambda name: _quick(name, numbered[name], confs[name]), confs)


def stop(name: str) -> None:
    """Take a client away; one that is not there is no error."""
    number = running().get(name)
    if number is None:
        return
    machine.execute(ROAD, "sh", "-c", f"ip netns pids {name} | xargs -r kill")
    wait_until(f"{name} to end", lambda: not machine.execute(ROAD, "ip", "netns", "pids", name).stdout, 5, pause=0.02)
    machine.execute(ROAD, "ip", "link", "delete", _PORT.format(number))
    must(ROAD, "ip", "netns", "delete", name)
    os.unlink(_conf_path(number))


def stop_all() -> None:
    _together(stop, running())


def move(name: str, address: str) -> None:
    """A running client leaves its network for another address of the provider (198.19.1.x or 198.19.2.x).

    IPv6 moves along. As when a phone leaves the wireless network, it is another interface that has the new address, and
    as its application does then, wireguard-go is made to open its sockets anew: it keeps the source address of a peer
    for 15 s otherwise. The server is told nothing."""
    number = _number(name)
    batch = f"link delete {_PORT.format(number)}\n" + _cable(name, number)
    must(ROAD, "ip", "-batch", "-", stdin=batch)
    _set_address(name, address)
    must(name, "wg", "set", _LINK.format(number), "listen-port", "0")


def given(name: str) -> str:
    """The configuration that a running client was started with."""
    with open(_conf_path(_number(name)), encoding="utf-8") as text:
        return text.read()


def address(name: str) -> str:
    """The client's own IPv4 address, the one outside its tunnel."""
    found = json.loads(must(name, "ip", "-j", "-4", "address", "show", "dev", "wan0"))
    return str(found[0]["addr_info"][0]["local"])


def peer(name: str) -> wg.Seen:
    """A client's only peer: the server, as the client's own `wg show` has it."""
    (seen,) = wg.parse(must(name, "wg", "show", link(name), "dump")).values()
    return seen


def public_key(name: str) -> str:
    return must(name, "wg", "show", link(name), "public-key").strip()


def handshake_age(name: str) -> float | None:
    """Seconds since the client's latest handshake, None: there was none."""
    latest = peer(name).handshake
    return time.time() - latest if latest else None


def _number(name: str) -> int:
    try:
        return running()[name]
    except KeyError:
        raise LabError(f"{name} is not a running client; there are {', '.join(running()) or 'none'}") from None


def _conf_path(number: int) -> str:
    return host_file(ROAD, f"/etc/wireguard/{_LINK.format(number)}.conf")


def _cable(name: str, number: int) -> str:
    """A cable to the provider. Who has its number next has its MAC too: nobody's neighbour table is wrong then."""
    port = _PORT.format(number)
    return (
        f"link add {port} type veth peer name wan0 address 02:76:00:00:00:{number:02x} netns {name}\n"
        f"link set {port} alias {name}\nlink set {port} master {GATEWAY} up\n"
    )


def _set_address(name: str, address: str) -> None:
    prefix, _, last = address.rpartition(".")
    if prefix not in NETS or not last.isdigit():
        raise LabError(f"{address} is in none of the provider's networks: {', '.join(f'{net}.0/24' for net in NETS)}")
    batch = (
        "link set lo up\nlink set wan0 up\naddress flush dev wan0 scope global\n"
        f"address add {address}/24 dev wan0\naddress add {NETS[prefix]}:{last}/64 dev wan0 nodad\n"
        f"route replace default via {prefix}.1\nroute replace default via {NETS[prefix]}:1\n"
    )
    must(ROAD, "ip", "-n", name, "-batch", "-", stdin=batch)


def _quick(name: str, number: int, conf_text: str) -> None:
    path = _conf_path(number)
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as out:
        out.write(re.sub(r"(?m)^DNS\s*=.*\n?", "", conf_text))
    must(name, "wg-quick", "up", _LINK.format(number))


def _together(work: Callable[[str], None], names: Iterable[str]) -> None:
    faults = []
    with ThreadPoolExecutor(max_workers=6) as pool:
        for job in [pool.submit(work, name) for name in names]:
            try:
                job.result()
            except LabError as exc:
                faults.append(str(exc))
    if faults:
        raise LabError("\n".join(faults))
