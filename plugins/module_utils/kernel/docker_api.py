# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Docker's own socket, spoken HTTP to (Docker Engine API). Read only: networks are made by community.docker.

Imported only where the socket is: http.client alone takes 15 ms, of a budget of a tenth of a second.
"""

from __future__ import annotations

import http.client
import json
import socket
from typing import Any

from ..model.errors import KernelError

_PATIENCE = 20  # seconds; a daemon that is busy with a large image takes a few


class _Connection(http.client.HTTPConnection):
    """HTTP over the daemon's UNIX socket."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=_PATIENCE)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(_PATIENCE)
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


def _get(connection: _Connection, path: str) -> Any:
    connection.request("GET", path)
    response = connection.getresponse()
    body = response.read()
    if response.status != http.client.OK:
        raise KernelError(f"Docker {path}", f"{response.status} {body.decode(errors='replace').strip()}")
    return json.loads(body)
