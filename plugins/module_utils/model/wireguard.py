# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The WireGuard side of a link of ours: whose key it has, and its peers (wg(8)). Only public keys are values here."""

from __future__ import annotations

from typing import NamedTuple

# A public key as a regular expression: 32 bytes in base64. The last character before the = has two bits that are not
# part of them and are not set; wg(8) refuses a key where they are.
PUBLIC_KEY = "[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]="

# Stands for a public key in a plan that was made before there was a key (a dry run on a fresh host).
UNMADE = "(made by the first run)"


class Device(NamedTuple):
    """link: its name. public_key: what belongs to the private key that the device has (base64, 44 characters), or
    UNMADE; of an observed device without a key "".

    port: UDP port that it listens on; 0 in a plan: as the kernel chooses.
    """

    link: str
    public_key: str
    port: int = 0

    def key(self) -> str:
        return self.link


class Peer(NamedTuple):
    """One peer of a device. name: whose it is, for the reader; "" in what was observed.

    allowed_ips: AllowedIPs in canonical text, sorted as strings.
    keepalive: seconds (persistent keepalive), 0: off.
    preshared: True: with the key that this host keeps for the pair; False: without; None (observed): another one.
    endpoint: `host:port`, `192.0.2.1:51820` or `[2001:db8::1]:51820`; None: the peer comes to us.
    expires: Unix time from which on the peer is no longer wanted, None: never.
    successor: public key that this peer is changing to. As long as nobody has shaken hands with it, it is a peer
    without AllowedIPs; from then on it takes this one's place. Its preshared key is this one's.
    handshake: Unix time of the latest handshake, 0: none; observed only.
    inherits: public key of the peer whose preshared key this one goes on with; None: of nobody.
    """

    link: str
    public_key: str
    name: str = ""
    allowed_ips: tuple[str, ...] = ()
    keepalive: int = 0
    preshared: bool | None = False
    endpoint: str | None = None
    expires: int | None = None
    successor: str | None = None
    handshake: int = 0
    inherits: str | None = None

    def key(self) -> str:
        """Peers whose keys are not made yet differ by their names."""
        return f"{self.link} {self.name} {UNMADE}" if self.public_key == UNMADE else f"{self.link} {self.public_key}"


class Keys(NamedTuple):
    """The public side of what a host keeps below KEY_ROOT.

    links: (link, public key). following: the same of keys that were made for a rotation and are not in use yet.
    clients: (client, public key) of those whose key was made on this host.
    preshared: (link, peer's public key, fingerprint) of preshared keys kept for pairs of managed hosts.
    certificate: PEM text of the certificate that secrets for this host are sealed to, "" where it has none yet.
    audit: the same of the one that it sends or collects denials with; its key is below AUDIT_KEY_FOLDER.
    """

    links: tuple[tuple[str, str], ...] = ()
    following: tuple[tuple[str, str], ...] = ()
    clients: tuple[tuple[str, str], ...] = ()
    preshared: tuple[tuple[str, str, str], ...] = ()
    certificate: str = ""
    audit: str = ""


KEY_ROOT = "/var/lib/weft/keys"
CLIENT_ROOT = "/var/lib/weft/clients"
