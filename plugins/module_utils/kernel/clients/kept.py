# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The clients whose files this host keeps: seen, made, changed, revoked."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from ...model.change import REMOVE, Change
from ...model.client import ClientConfig
from ...model.errors import KernelError
from ...model.wireguard import CLIENT_ROOT
from .. import atomic
from ..keys.preshared import make_preshared, preshared_keys
from ..wireguard.tool import wg
from .files import CONF, Held, held, look, path_of, remains, write, write_files, write_key
from .text import Secrets, read

# Keys that this process took away from a client, by (root, client, public key): undoing the run brings them back. They
# are kept nowhere else, so a client that was revoked leaves nothing on the disk.
_taken: dict[tuple[str, str, str], Held] = {}


def observe(root: str = CLIENT_ROOT) -> tuple[ClientConfig, ...]:
    """What the files of each client say, in the order of names."""
    try:
        names = sorted(name for name in os.listdir(root) if not name.startswith("."))
    except FileNotFoundError:
        return ()
    tight = os.stat(root).st_mode & 0o077 == 0
    found = [look(root, name) for name in names]
    shared = _shared(config for config, _secrets in found)
    return tuple(
        config._replace(
            whole=config.whole and tight,
            # A key that is not the pair's any more is none.
            preshared=config.preshared and shared.get((config.link, config.public_key)) == secrets.preshared,
        )
        for config, secrets in found
    )


def public_keys(observed: Iterable[ClientConfig] | None = None, root: str = CLIENT_ROOT) -> tuple[tuple[str, str], ...]:
    """(client, public key) of those whose private key is here and whole; `observed` saves looking a second time."""
    seen = observe(root) if observed is None else observed
    return tuple((config.name, config.public_key) for config in seen if config.public_key and not config.given)


def make(names: Iterable[str], anew: bool = False, root: str = CLIENT_ROOT) -> tuple[tuple[str, str], ...]:
    """Make the keys of clients that have none (anew: of all of `names`), and return (client, public key) of all.

    Until a plan with that key is applied, its conf has the key and nothing else. Raises KernelError for a client whose
    key was here and is damaged: a new one would cut it off without a word.
    """
    made = []
    for name in names:
        key = held(root, name)
        if anew or key is None or key.secrets.private_key is None:
            if key is None and not anew and remains(root, name):
                raise _lost(name)
            private = wg(f"client {name}", "genkey").strip()
            key = Held(wg(f"client {name}", "pubkey", text=private).strip(), Secrets(private))
            with _told(name):
                atomic.folder(root)
                _take(root, name)
                write_key(root, name, key)
        made.append((name, key.public_key))
    return tuple(made)


def apply(changes: Sequence[Change], root: str = CLIENT_ROOT) -> None:
    """Write what is added or changed, keeping each private key, and delete what is removed."""
    for link, peers in _pairs(change.after for change in changes if change.after).items():
        make_preshared(link, peers)
    for change in changes:
        with _told(change.key):
            atomic.folder(root)
            if change.action == REMOVE:
                _take(root, change.key)
                atomic.remove_tree(f"{root}/{change.key}")
            elif change.after.whole:  # what was damaged before a run is not damaged again to undo it
                _write(root, change.after)
    if changes:
        atomic.settle(root)


def restore(files: Mapping[str, Mapping[str, bytes]], root: str = CLIENT_ROOT) -> tuple[str, ...]:
    """Bring back clients whose key is not here, from {client: {file name: content}} as the store kept them.

    Returns their names. One that is here and whole is left alone, and a conf that is damaged is passed over.
    """
    back = []
    for name, contents in files.items():
        found = read(contents.get(name + CONF, b"").decode(errors="replace"))
        if found is not None and found.config.name == name and held(root, name) is None:
            with _told(name):
                atomic.folder(root)
                write_files(root, name, contents)
            back.append(name)
    if back:
        atomic.settle(root)
    return tuple(back)


def conf(name: str, root: str = CLIENT_ROOT) -> str:
    """The text of a client's conf. Raises KernelError where there is none that is whole and complete."""
    data = atomic.read(path_of(name, CONF, root)) if "/" not in name else None
    if data is None:
        raise KernelError(f"client {name}", "there is none of that name here; `weft client list` shows all")
    text = data.decode(errors="replace")
    found = read(text)
    if found is None:
        raise KernelError(f"client {name}", "its configuration is damaged; the next run of the playbook mends it")
    if not found.config.link:
        raise KernelError(f"client {name}", "it has nothing but a key yet; the next run of the playbook makes the rest")
    return text


def _shared(configs: Iterable[ClientConfig]) -> dict[tuple[str, str], str]:
    """The preshared keys that this host keeps now, by link and peer."""
    return {
        (link, peer): key
        for link, peers in _pairs(configs).items()
        for peer, key in preshared_keys(link, peers).items()
    }


def _pairs(configs: Iterable[ClientConfig]) -> dict[str, list[str]]:
    """Public keys of the clients with a preshared key, by link."""
    pairs: dict[str, list[str]] = {}
    for config in configs:
        if config.preshared:
            pairs.setdefault(config.link, []).append(config.public_key)
    return pairs


def _write(root: str, config: ClientConfig) -> None:
    key = held(root, config.name)
    secrets = Secrets(_private_key(root, config, key), _preshared(config))
    if key is not None and key.secrets.private_key != secrets.private_key:
        _take(root, config.name)
    if config.link:
        write(root, config, secrets)
    else:
        write_key(root, config.name, Held(config.public_key, secrets))


def _private_key(root: str, config: ClientConfig, key: Held | None) -> str | None:
    """The key that belongs to the public one of the plan; None where the client keeps it itself."""
    if config.given:
        return None
    for known in (key, _taken.get((root, config.name, config.public_key))):
        if known is not None and known.public_key == config.public_key and known.secrets.private_key is not None:
            return known.secrets.private_key
    if key is None and remains(root, config.name):
        raise _lost(config.name)
    reason = "the private key that its plan speaks of is not here; compile the plan again"
    raise KernelError(f"client {config.name}", reason)


def _preshared(config: ClientConfig) -> str | None:
    if not config.preshared:
        return None
    key = preshared_keys(config.link, (config.public_key,)).get(config.public_key)
    if key is None:
        raise KernelError(f"client {config.name}", f"the preshared key that {config.link} has for it is damaged")
    return key


def _take(root: str, name: str) -> None:
    key = held(root, name)
    if key is not None and key.secrets.private_key is not None:
        _taken[root, name, key.public_key] = key


@contextmanager
def _told(name: str) -> Iterator[None]:
    """What the disk refuses, as an error about the client."""
    try:
        yield
    except OSError as error:
        raise KernelError(f"client {name}", error.strerror or str(error)) from error


def _lost(name: str) -> KernelError:
    return KernelError(
        f"client {name}",
        "both files with its private key are damaged; bring them back from the store (playbooks/recover.yml), or "
        "remove its folder to have a new key made, which cuts off whoever uses the old one",
    )
