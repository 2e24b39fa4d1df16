# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""One client in the intent's file: added, changed, removed, or told about."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any, NamedTuple

from ..intent.client import Client
from ..intent.domain import Intent, parse
from ..intent.edit import add_client, change_client, remove_client
from ..model.client import ClientConfig
from ..model.errors import Fault, IntentError
from ..model.plan import HostPlan
from .project import Project, read_plans, read_source, write_text

ADD, SHOW, REVOKE, RENEW = "add", "show", "revoke", "renew"
VERBS = (ADD, SHOW, REVOKE, RENEW)


class Done(NamedTuple):
    """changed: whether the file says something else now. server: of the client's interface. anew: whether the server
    is to make another key for it. lines: for the reader. before, after: the file's text."""

    changed: bool
    server: str
    anew: bool
    lines: tuple[str, ...]
    before: str
    after: str


def do(project: Project, verb: str, name: str, fields: Mapping[str, Any], anew: bool, keep: bool) -> Done:
    """Raises IntentError before anything is written. keep: whether to write at all (not in check mode)."""
    source = read_source(project.intent)
    parse(source, project.intent)
    before = source.decode("utf-8")
    edit = {ADD: _add, SHOW: _same, REVOKE: _remove, RENEW: _change}[verb]
    after = edit(before, name, fields, project.intent)
    intent = parse(before if verb == REVOKE else after, project.intent)
    client = intent.clients[name]
    if anew and (client.public_key or client.host):
        whose = "rotate.yml changes it" if client.host else "give the new one as public_key"
        raise _refused(project.intent, name, f"its key is not made by the server; {whose}")
    if keep and after != before:
        write_text(project.intent, after)
    server = intent.interfaces[client.interface].server
    lines = tuple(_told(name, client, intent, _config(project, server, name))) if verb != REVOKE else ()
    return Done(after != before, server, anew, lines, before, after)


def _add(text: str, name: str, fields: Mapping[str, Any], file: str) -> str:
    return add_client(text, name, fields, file)


def _same(text: str, name: str, fields: Mapping[str, Any], file: str) -> str:
    if fields:
        raise _refused(file, name, f"show changes nothing; without {', '.join(sorted(fields))}, please")
    return change_client(text, name, {}, file)


def _change(text: str, name: str, fields: Mapping[str, Any], file: str) -> str:
    return change_client(text, name, fields, file)


def _remove(text: str, name: str, fields: Mapping[str, Any], file: str) -> str:
    _same(text, name, fields, file)
    return remove_client(text, name, file)


def _refused(file: str, name: str, message: str) -> IntentError:
    return IntentError((Fault(file, f"clients.{name}", message),))


def _config(project: Project, server: str, name: str) -> ClientConfig | None:
    """The client's configuration in the plan made last; None: it has none of its own there."""
    plan: HostPlan | None = read_plans(project.build).get(server)
    return next((config for config in plan.clients if config.name == name), None) if plan else None


def _told(name: str, client: Client, intent: Intent, config: ClientConfig | None) -> list[str]:
    interface = intent.interfaces[client.interface]
    lines = [
        f"client {name}",
        f"  interface   {client.interface} on {interface.server}, {interface.endpoint.host}:{interface.endpoint.port}",
        f"  profile     {client.profile}",
    ]
    if client.owner:
        lines.append(f"  owner       {client.owner}")
    if client.labels:
        lines.append("  labels      " + ", ".join(f"{key}={value}" for key, value in client.labels.items()))
    if client.expires is not None:
        moment = datetime.fromtimestamp(client.expires, timezone.utc)
        lines.append(f"  expires     {moment:%Y-%m-%d %H:%M} UTC")
    if client.host:
        lines.append(f"  host        {client.host}, which Ansible manages")
    if config is not None:
        lines.append("  addresses   " + ", ".join(config.addresses))
        lines.append("  AllowedIPs  " + ", ".join(config.allowed_ips))
        lines.append(f"  public key  {config.public_key}")
        lines.append(f"  files       on {interface.server}: weft client show {name} --qr")
    return lines
