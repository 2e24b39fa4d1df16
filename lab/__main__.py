"""The command line of the lab: `python3 -m lab --help`."""

from __future__ import annotations

import argparse
import os
import sys

from . import cache, cgroup, leftovers, lifecycle, machine, network, ssh, supervisor
from . import host as hosts
from .shell import LabError, need_root, say

# These change nothing, or run as long as the lab does: they do not wait for another lab command.
UNLOCKED = ("status", "ssh", "exec", "wires", "supervise", "leftovers")


def _flavour(text: str) -> tuple[str, str]:
    name, _, flavour = text.partition("=")
    if not name or not flavour:
        raise argparse.ArgumentTypeError(f"{text}: write NAME=FLAVOUR, e.g. runner2=firewalld")
    return name, flavour


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python3 -m lab", description="Real systemd hosts to try weft.overlay on.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    up = commands.add_parser("up", help="start the lab, or what is missing of it")
    up.add_argument("--runners", type=int, default=2, metavar="N")
    up.add_argument("--firewall", type=_flavour, action="append", default=[], metavar="NAME=FLAVOUR")
    commands.add_parser("down", help="remove everything")
    commands.add_parser("status", help="hosts, addresses, firewall flavour, state")
    commands.add_parser("leftovers", help="list what is there of the lab; fails if anything is")

    for name, text in (
        ("add", "one more host, e.g. runner3"),
        ("remove", "take a host away with its disk"),
        ("start", "start a host that is off"),
        ("stop", "power a host off; its disk stays"),
        ("reboot", "reboot a host and wait for it"),
        ("wipe", "give a host a fresh disk and start it"),
        ("move", "give a host another underlay address"),
        ("set-firewall", "another firewall flavour, on a fresh disk"),
        ("ssh", "ssh to a host"),
        ("exec", "run a command in a host, without ssh: exec NAME -- CMD"),
        ("supervise", argparse.SUPPRESS),
    ):
        commands.add_parser(name, help=text).add_argument("name", metavar="NAME")
    commands.choices["add"].add_argument("--firewall", metavar="FLAVOUR")
    for name in ("stop", "reboot"):
        commands.choices[name].add_argument("--hard", action="store_true", help="like a power cut")
    commands.choices["move"].add_argument("address")
    commands.choices["move"].add_argument("--at-reboot", action="store_true", help="from the next boot on")
    commands.choices["set-firewall"].add_argument("flavour", choices=hosts.FLAVOURS)
    wires = commands.add_parser("wires", help="run a command where the cables are: wires -- tcpdump -ni lab0")
    for command in (wires, commands.choices["ssh"], commands.choices["exec"]):
        command.add_argument("argv", nargs=argparse.REMAINDER, metavar="CMD")
    return parser


def _status() -> None:
    row = "{:<10} {:<9} {:<15} {:<17} {:<16} {}".format
    say(row("HOST", "GROUP", "ADDRESS", "IPV6", "FIREWALL", "STATE"))
    for host in hosts.saved():
        state = "off"
        if supervisor.pid(host.name) is not None and cgroup.leader(host.name) is not None:
            state = machine.execute(host.name, "systemctl", "is-system-running").stdout.strip() or "starting"
        say(row(host.name, host.kind, host.address, host.address6, host.firewall, state))


def _become(argv: list[str], env: dict[str, str] | None = None) -> None:
    """End this process by becoming another, so that its terminal, signals and exit code are the caller's."""
    sys.stdout.flush()
    os.execvpe(argv[0], argv, os.environ if env is None else env)  # noqa: S606 - that is its purpose


def _command_line(args: argparse.Namespace, default: list[str]) -> list[str]:
    argv = args.argv[1:] if args.argv[:1] == ["--"] else args.argv
    return argv or default


def _change(args: argparse.Namespace) -> None:
    """The commands that change a host of the lab."""
    if args.command == "add":
        return lifecycle.add(args.name, args.firewall)
    host = hosts.load(args.name)
    if args.command == "remove":
        lifecycle.remove(host.name)
    elif args.command == "start":
        machine.start(host)
        machine.wait_ready(host)
    elif args.command == "stop":
        machine.stop(host, graceful=not args.hard)
    elif args.command == "reboot":
        machine.reboot(host, hard=args.hard)
    elif args.command == "wipe":
        lifecycle.wipe(host)
    elif args.command == "move":
        lifecycle.move(host.name, args.address, args.at_reboot)
    elif args.command == "set-firewall":
        lifecycle.wipe(hosts.with_firewall(host, args.flavour))
    return None


def _look(args: argparse.Namespace) -> int:
    """The commands that leave the lab as it is."""
    if args.command == "status":
        _status()
    elif args.command == "leftovers":
        left = leftovers.find()
        say("\n".join(left) or "nothing is left of the lab")
        return 1 if left else 0
    elif args.command == "ssh":
        _become(["ssh", "-F", ssh.CONFIG, hosts.load(args.name).name, *_command_line(args, [])])
    elif args.command == "exec":
        _become(machine.exec_argv(hosts.load(args.name).name, _command_line(args, ["bash"])), machine.exec_env())
    elif args.command == "wires":
        _become(network.in_wires(*_command_line(args, ["bash"])))
    elif args.command == "supervise":
        return supervisor.supervise(args.name)
    return 0


def main() -> int:
    args = _parser().parse_args()
    try:
        need_root()
        if args.command in UNLOCKED:
            return _look(args)
        with cache.locked():
            if args.command == "up":
                lifecycle.up(args.runners, dict(args.firewall))
            elif args.command == "down":
                lifecycle.down()
            else:
                _change(args)
    except LabError as exc:
        print(f"lab: {exc}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("lab: interrupted; `up` goes on from here, `down` removes what there is", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
