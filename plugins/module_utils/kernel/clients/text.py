# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The files of one client as texts: `<client>.conf` as wg-quick(8) reads it. No file is touched here.

A conf says all about itself: what wg-quick has no word for stands in comments, and its last line is a checksum of all
before it, so that a file that was cut, flipped or edited is known for what it is.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from ...model.client import ClientConfig
from ...model.errors import KernelError
from .. import checksum

NOTHING = ClientConfig("", "", "", False, (), (), 0, "", "", (), 0, False, whole=False)

_NAME = "[A-Za-z0-9][A-Za-z0-9_.-]*"
_KEY = "[A-Za-z0-9+/]{43}="
_SHAPE = re.compile(
    rf"# (?P<name>{_NAME})(?: on (?P<link>{_NAME}))?: [^\n]*\n"
    rf"# PublicKey = (?P<public_key>{_KEY})\n"
    r"(?P<about>(?:# [^\n]*\n)*)"
    r"\[Interface\]\n"
    rf"(?:PrivateKey = (?P<private_key>{_KEY})\n|(?P<given># PrivateKey = [^\n]*\n))"
    r"(?:Address = (?P<addresses>[^\n]+)\n)?"
    r"(?:DNS = (?P<dns>[^\n]+)\n)?"
    r"(?:MTU = (?P<mtu>[1-9][0-9]*)\n)?"
    rf"(?:\n\[Peer\]\nPublicKey = (?P<server_key>{_KEY})\n"
    rf"(?:PresharedKey = (?P<preshared>{_KEY})\n)?"
    r"Endpoint = (?P<endpoint>[^\s]+)\n"
    r"(?:AllowedIPs = (?P<allowed_ips>[^\n]+)\n)?"
    r"(?:PersistentKeepalive = (?P<keepalive>[1-9][0-9]*)\n)?)?"
    r"\n(?:# nmconnection sha256 = (?P<keyfile>[0-9a-f]{64})\n# png sha256 = (?P<image>[0-9a-f]{64}|none)\n)?"
)
_FIELDS = re.compile(r"[^\s,]+")


class Secrets(NamedTuple):
    """What the files of a client hold besides its ClientConfig. None: there is none."""

    private_key: str | None = None
    preshared: str | None = None


class Beside(NamedTuple):
    """SHA-256 of the other two files of the client, in hexadecimal. image: "none" where there is no picture."""

    keyfile: str
    image: str


class Read(NamedTuple):
    """A conf taken apart. beside: None in one that has the key alone."""

    config: ClientConfig
    secrets: Secrets
    beside: Beside | None


def key_alone(name: str, public_key: str) -> ClientConfig:
    """What a client is between the making of its key and the first plan that has it."""
    return NOTHING._replace(name=name, public_key=public_key, whole=True)


def render(config: ClientConfig, secrets: Secrets, beside: Beside | None = None) -> str:
    """Raises KernelError for what would not be read as it was meant (a line break in a value, a missing key)."""
    check(config, secrets)
    lines = [*heading(config), "[Interface]"]
    lines.append(_private_line(secrets))
    lines += _listed("Address", config.addresses) + _listed("DNS", config.dns) + _number("MTU", config.mtu)
    if config.link:
        lines += ["", "[Peer]", f"PublicKey = {config.server_key}"]
        lines += [f"PresharedKey = {secrets.preshared}"] if secrets.preshared else []
        lines += [f"Endpoint = {config.endpoint}", *_listed("AllowedIPs", config.allowed_ips)]
        lines += _number("PersistentKeepalive", config.keepalive)
    lines.append("")
    if beside is not None:
        lines += [f"# nmconnection sha256 = {beside.keyfile}", f"# png sha256 = {beside.image}"]
    return checksum.add("\n".join(lines) + "\n")


def parse(text: str) -> ClientConfig:
    """The reverse of render; where the checksum or the shape is wrong, nothing of it is believed (whole=False)."""
    found = read(text)
    return found.config if found else NOTHING


def read(text: str) -> Read | None:
    """The same with the secrets; None where the checksum or the shape is wrong."""
    body = checksum.strip(text)
    match = _SHAPE.fullmatch(body) if body is not None else None
    if match is None:
        return None
    found = match.groupdict()
    if (found["link"] is None) != (found["server_key"] is None):
        return None
    config = ClientConfig(
        name=found["name"],
        link=found["link"] or "",
        public_key=found["public_key"],
        given=found["given"] is not None,
        addresses=_split(found["addresses"]),
        dns=_split(found["dns"]),
        mtu=int(found["mtu"] or 0),
        server_key=found["server_key"] or "",
        endpoint=found["endpoint"] or "",
        allowed_ips=_split(found["allowed_ips"]),
        keepalive=int(found["keepalive"] or 0),
        preshared=found["preshared"] is not None,
        about=tuple(line[2:] for line in found["about"].split("\n")[:-1]),
    )
    beside = Beside(found["keyfile"], found["image"]) if found["keyfile"] else None
    return Read(config, Secrets(found["private_key"], found["preshared"]), beside)


def bare(text: str) -> str:
    """What a program needs of a conf: no comments, so that a QR code of it stays coarse enough for a camera."""
    return "".join(f"{line}\n" for line in text.split("\n") if line and not line.startswith("#"))


def heading(config: ClientConfig) -> list[str]:
    """Comments that say whose file it is."""
    where = f"{config.name} on {config.link}" if config.link else config.name
    told = "changes are overwritten" if config.link else "a key and nothing else, until the next run"
    lines = [f"# {where}: written by weft.overlay; {told}", f"# PublicKey = {config.public_key}"]
    return lines + [f"# {line}" for line in config.about]


def check(config: ClientConfig, secrets: Secrets) -> None:
    """Raises KernelError about the client where a value would be read as something else than it is, or is missing."""
    subject = f"client {config.name}"
    words = [*config.addresses, *config.dns, *config.allowed_ips]
    if config.link:
        words += [config.link, config.endpoint]
    if not all(_FIELDS.fullmatch(word) for word in words) or not re.fullmatch(_NAME, config.name):
        raise KernelError(subject, "a name, address or endpoint of it has blanks, commas or nothing in it")
    if any("\n" in line for line in config.about):
        raise KernelError(subject, "a comment of it has a line break, and what follows would be read as a setting")
    if config.given != (secrets.private_key is None) or config.preshared != (secrets.preshared is not None):
        raise KernelError(subject, "the keys at hand are not those that its configuration speaks of")
    keys = [config.public_key, *([config.server_key] if config.link else []), *filter(None, secrets)]
    if not all(re.fullmatch(_KEY, key) for key in keys):
        raise KernelError(subject, "a key of it is not made yet, or is no key; compile the plan again")


def _private_line(secrets: Secrets) -> str:
    if secrets.private_key is not None:
        return f"PrivateKey = {secrets.private_key}"
    return "# PrivateKey = (your own, to which the public key above belongs)"


def _listed(name: str, values: tuple[str, ...]) -> list[str]:
    return [f"{name} = {', '.join(values)}"] if values else []


def _number(name: str, value: int) -> list[str]:
    return [f"{name} = {value}"] if value else []


def _split(text: str | None) -> tuple[str, ...]:
    return tuple(text.split(", ")) if text else ()
