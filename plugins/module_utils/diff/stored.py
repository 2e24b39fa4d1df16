# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The files that bring a plan back at boot, before Docker starts its containers on the overlay's bridge."""

from __future__ import annotations

from ..model.plan import HostPlan, to_json
from ..model.policy import PORTS
from ..model.stored import (
    AUDIT_UNIT,
    COLLECT_UNIT,
    COMMAND_PATH,
    GUARD_UNIT,
    OVERLAY_UNIT,
    PLAN_PATH,
    PROGRAM_ROOT,
    SEND_UNIT,
    WATCH_UNIT,
    WRITTEN_BY,
    File,
    Program,
    Service,
)
from .stored_sending import sending_files

# After everything that loads a rule set of its own at boot (nftables.service and netfilter-persistent begin with a
# flush), before Docker, whose networks need the bridge. Not tied to the network being online: a tunnel may be made
# before its underlay address is there.
_UNIT_TEXT = f"""\
# {WRITTEN_BY}; changes are overwritten by its next run.
[Unit]
Description=Overlay network of weft.overlay (applies the stored plan)
Documentation=file://{PLAN_PATH}
ConditionPathExists={PLAN_PATH}
Wants=network-pre.target
After=network-pre.target
After=firewalld.service nftables.service netfilter-persistent.service iptables.service ip6tables.service
Before=docker.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart={COMMAND_PATH} apply

[Install]
WantedBy=multi-user.target
"""

# Ready when it has said so: whoever starts it then finds it at work.
_WATCH_TEXT = f"""\
# {WRITTEN_BY}; changes are overwritten by its next run.
[Unit]
Description=Watch of weft.overlay over its WireGuard peers (expiry, new keys, moved endpoints)
Documentation=file://{PLAN_PATH}
ConditionPathExists={PLAN_PATH}
After={OVERLAY_UNIT.name}

[Service]
Type=notify
ExecStart={COMMAND_PATH} watch
Restart=always
RestartSec=2
RuntimeDirectory=weft
RuntimeDirectoryPreserve=yes

[Install]
WantedBy=multi-user.target
"""

_AUDIT_TEXT = f"""\
# {WRITTEN_BY}; changes are overwritten by its next run.
[Unit]
Description=Audit of weft.overlay (tells of packets that the policy denies)
Documentation=file://{PLAN_PATH}
ConditionPathExists={PLAN_PATH}
After={OVERLAY_UNIT.name}

[Service]
Type=notify
ExecStart={COMMAND_PATH} audit
Restart=always
RestartSec=2
RuntimeDirectory=weft
RuntimeDirectoryPreserve=yes
NoNewPrivileges=yes

[Install]
WantedBy=multi-user.target
"""

# Before Docker, for whoever that starts is to be judged; it is ready without having asked Docker anything. Its child is
# a run of `weft apply`: that one comes to its own end, whatever becomes of the guard.
_GUARD_TEXT = f"""\
# {WRITTEN_BY}; changes are overwritten by its next run.
[Unit]
Description=Guard of weft.overlay (containers speak with their own addresses; borrowed routes are followed)
Documentation=file://{PLAN_PATH}
ConditionPathExists={PLAN_PATH}
After={OVERLAY_UNIT.name}
Before=docker.service
StartLimitIntervalSec=0

[Service]
Type=notify
ExecStart={COMMAND_PATH} guard
Restart=always
RestartSec=1
KillMode=process
RuntimeDirectory=weft
RuntimeDirectoryPreserve=yes

[Install]
WantedBy=multi-user.target
"""

# -I: neither the caller's environment nor the current folder decides which code runs as root.
# -S: nothing but the standard library is used, so site-packages need not be searched.
_COMMAND_TEXT = f"""\
#!/bin/sh
# {WRITTEN_BY}; changes are overwritten by its next run.
exec /usr/bin/python3 -I -S {PROGRAM_ROOT}/current/main.py "$@"
"""


def files_of(plan: HostPlan) -> tuple[File, ...]:
    """Every file of ours that a host with this plan has, the plan itself last."""
    return (
        File(COMMAND_PATH, _COMMAND_TEXT, 0o755),
        *OVERLAY_UNIT.files(_UNIT_TEXT),
        *(WATCH_UNIT.files(_WATCH_TEXT) if plan.devices else ()),
        *(AUDIT_UNIT.files(_AUDIT_TEXT) if plan.policy is not None else ()),
        *(GUARD_UNIT.files(_GUARD_TEXT) if _is_guarded(plan) else ()),
        *sending_files(plan),
        File(PLAN_PATH, to_json(plan), 0o600),
    )


def services_of(plan: HostPlan, program: Program) -> tuple[Service, ...]:
    """What runs all the time: only where there are WireGuard peers to watch, a policy that may deny something, somebody
    else's ports or routes to follow, denials to send or to collect. The guard is the first: containers wait for it."""
    wanted = {
        GUARD_UNIT: _is_guarded(plan),
        WATCH_UNIT: bool(plan.devices),
        AUDIT_UNIT: plan.policy is not None,
        SEND_UNIT: plan.audit is not None,
        COLLECT_UNIT: plan.collector is not None,
    }
    return tuple(Service(unit.name, program.digest) for unit, needed in wanted.items() if needed)


def _is_guarded(plan: HostPlan) -> bool:
    attachments = plan.policy.attachments if plan.policy is not None else ()
    return bool(plan.borrowed) or any(attachment.flags & PORTS for attachment in attachments)
