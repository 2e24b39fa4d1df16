# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Docker's own socket, spoken HTTP to (Docker Engine API). Networks are made by community.docker, and removed here when
weft leaves a host, which may have lost the Python packages for that.

Imported only where the socket is: http.client alone takes 15 ms, of a budget of a tenth of a second.
"""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

from ...model.errors import KernelError

_PATIENCE = 20  # seconds; a daemon that is busy with a large image takes a few


class _Connection(http.client.HTTPConnection):
    """HTTP over the daemon's UNIX socket."""

    def __init__(self, path: str, patience: float | None = _PATIENCE) -> None:
        super().__init__("localhost", timeout=patience)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def networks_and_pools(path: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]] | None:
    """Every network as the API describes it, and the address pools that daemon.json names (empty: none).

    path: of the socket. None where the daemon is stopped. Raises KernelError where it answers anything unexpected.
    """
    connection = _Connection(path)
    try:
        pools = _get(connection, "/info").get("DefaultAddressPools") or []
        return [_get(connection, "/networks/" + item["Id"]) for item in _get(connection, "/networks")], pools
    except ConnectionRefusedError:
        # The socket outlives a stopped daemon.
        return None
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise KernelError("Docker", f"does not answer on {path}: {error}") from error
    finally:
        connection.close()


def running(
    path: str, networks: list[str], concerns: Callable[[dict[str, Any]], bool], patience: float
) -> list[dict[str, Any]] | None:
    """The running containers on any of these networks, each as the API describes it whole. concerns: says of one as
    the API lists it whether it is wanted. patience: seconds that each answer may take.

    None where the daemon is stopped. Raises KernelError where it answers anything unexpected, or not in time.
    """
    connection = _Connection(path, patience)
    try:
        listed = _get(connection, "/containers/json" + _filtered({"network": networks}))
        found = [_get(connection, f"/containers/{item['Id']}/json", gone=None) for item in listed if concerns(item)]
    except ConnectionRefusedError:
        return None
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise KernelError("Docker", f"does not answer on {path}: {error}") from error
    finally:
        connection.close()
    return [item for item in found if item is not None]


def remove_network(path: str, name: str, containers: Iterable[str]) -> None:
    """containers: names of those to be cut off before. A network that is gone is no fault. Raises KernelError."""
    connection = _Connection(path)
    try:
        for container in containers:
            _send(connection, "POST", f"/networks/{quote(name)}/disconnect", {"Container": container, "Force": True})
        _send(connection, "DELETE", f"/networks/{quote(name)}")
    except (OSError, http.client.HTTPException) as error:
        raise KernelError(f"Docker network {name}", f"Docker does not answer on {path}: {error}") from error
    finally:
        connection.close()


def _send(connection: _Connection, method: str, path: str, body: dict[str, Any] | None = None) -> None:
    headers = {"Content-Type": "application/json"} if body is not None else {}
    connection.request(method, path, json.dumps(body) if body is not None else None, headers)
    response = connection.getresponse()
    answer = response.read()
    if response.status >= http.client.BAD_REQUEST and response.status != http.client.NOT_FOUND:
        raise KernelError(f"Docker {path}", _refusal(response.status, answer))


def events(path: str, filters: Mapping[str, list[str]]) -> Iterator[bytes]:
    """What happens, a line of JSON each, until the daemon ends; first an empty one, when it listens to us. Waits for a
    daemon that is on its way. Raises KernelError.
    """
    connection = _Connection(path, patience=None)
    try:
        connection.request("GET", "/events" + _filtered(filters))
        response = connection.getresponse()
        if response.status != http.client.OK:
            raise KernelError("Docker /events", _refusal(response.status, response.read()))
        yield b""
        while line := response.readline():
            yield line
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise KernelError("Docker", f"does not tell what happens on {path}: {error}") from error
    finally:
        connection.close()


def _filtered(filters: Mapping[str, list[str]]) -> str:
    return "?filters=" + quote(json.dumps(filters))


_MUST_BE_THERE = object()


def _get(connection: _Connection, path: str, gone: Any = _MUST_BE_THERE) -> Any:
    """gone: what to say of something that is not there any more."""
    connection.request("GET", path)
    response = connection.getresponse()
    body = response.read()
    if response.status == http.client.NOT_FOUND and gone is not _MUST_BE_THERE:
        return gone
    if response.status != http.client.OK:
        raise KernelError(f"Docker {path}", _refusal(response.status, body))
    return json.loads(body)


def _refusal(status: int, body: bytes) -> str:
    return f"{status} {body.decode(errors='replace').strip()}"
