# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The files that bring a plan back at boot, before Docker starts its containers on the overlay's bridge."""

from __future__ import annotations

from ..model.plan import HostPlan, to_json
from ..model.stored import COMMAND_PATH, ENABLED_PATH, PLAN_PATH, PROGRAM_ROOT, UNIT, UNIT_PATH, WRITTEN_BY, File

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
        File(UNIT_PATH, _UNIT_TEXT),
        File(ENABLED_PATH, "", target="../" + UNIT),
        File(PLAN_PATH, to_json(plan), 0o600),
    )
