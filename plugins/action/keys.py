# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Hands each host what it lacks, and carries sealed preshared keys from one host to the other."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.weft.overlay.plugins.module_utils.edge.project import read_plan

_ARGUMENTS = {
    **{name: {"type": "list", "elements": "str", "default": []} for name in ("links", "following", "promote")},
    **{name: {"type": "list", "elements": "str", "default": []} for name in ("clients", "anew")},
    "seal": {"type": "list", "elements": "dict", "default": []},
    "open": {"type": "list", "elements": "dict", "default": []},
    "certificate": {"type": "bool", "default": False},
    "audit": {"type": "bool", "default": False},
    "wanted": {"type": "dict"},
    "delivered": {"type": "bool", "default": False},
    "rotate": {"type": "str", "choices": ["prepare", "take"]},
    "build": {"type": "path"},
    "cut_clients": {"type": "bool", "default": False},
}
_OWN = ("wanted", "delivered", "rotate", "build", "cut_clients")


class ActionModule(ActionBase):
    """No private or preshared key passes here: what is sealed can be opened on the host it is for, and only there."""

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validation, given = self.validate_argument_spec(
            _ARGUMENTS,
            mutually_exclusive=[("wanted", "delivered", "rotate")],
            required_if=[("rotate", "prepare", ["build"]), ("rotate", "take", ["build"])],
        )
        own = {name: given.pop(name) for name in _OWN}
        host = task_vars["inventory_hostname"]
        if own["wanted"] is not None:
            given.update(_wish(own["wanted"]))
        if own["delivered"]:
            given["open"] = _sealed_for(host, task_vars["hostvars"])
            if not given["open"]:
                return {**result, "skipped": True, "skip_reason": "nothing was sealed for this host"}
        if own["rotate"]:
            given["following" if own["rotate"] == "prepare" else "promote"] = _links(host, own)
        done = self._execute_module("weft.overlay.keys", module_args=given, task_vars=task_vars)
        if own["wanted"] is not None and not done.get("failed"):
            # The module knows the pair, and we know whose the other end is.
            for sealed, pair in zip(done["sealed"], own["wanted"].get("preshared", ())):
                sealed.update(host=pair["host"], own_key=pair["own_key"])
        return {**result, **done}


def _links(host: str, own: dict[str, Any]) -> list[str]:
    """The links whose keys change. Clients that nobody but their owner can configure are not cut off by accident."""
    plan = read_plan(own["build"], host)
    if plan is None or not plan.devices:
        raise AnsibleActionFail(f"{host} has no WireGuard link in the plans of {own['build']}; nothing to change there")
    if plan.clients and own["rotate"] == "prepare" and not own["cut_clients"]:
        names = ", ".join(client.name for client in plan.clients)
        raise AnsibleActionFail(
            f"these clients know {host} by its present key and have access again only with new files: {names}; "
            "if that is meant, run with -e cut_clients=true and hand the new files out"
        )
    return [device.link for device in plan.devices]


def _wish(wanted: dict[str, Any]) -> dict[str, Any]:
    """What compile says that a host lacks, as the module takes it."""
    pairs = [{name: pair[name] for name in ("link", "public_key", "certificate")} for pair in wanted["preshared"]]
    return {
        "links": wanted["links"],
        "clients": wanted["clients"],
        "certificate": wanted["certificate"],
        "audit": wanted["audit"],
        "seal": pairs,
    }


def _sealed_for(host: str, hostvars: Any) -> list[dict[str, str]]:
    """What any host of this play sealed for this one in the task registered as weft_keys."""
    return [
        {"link": sealed["link"], "public_key": sealed["own_key"], "sealed": sealed["sealed"]}
        for other in hostvars
        for sealed in (hostvars[other].get("weft_keys") or {}).get("sealed", ())
        if sealed.get("host") == host
    ]
