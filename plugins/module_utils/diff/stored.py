# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The files that bring a plan back at boot, before Docker starts its containers on the overlay's bridge."""

from __future__ import annotations

from ..model.plan import HostPlan, to_json
from ..model.stored import File

PLAN_PATH = "/var/lib/weft/plan.json"
PROGRAM_ROOT = "/usr/local/lib/weft"
COMMAND_PATH = "/usr/local/sbin/weft"
UNIT = "weft-overlay.service"
UNIT_PATH = "/etc/systemd/system/" + UNIT

# After everything that loads a rule set of its own at boot (nftables.service and netfilter-persistent begin with a
# flush), before Docker, whose networks need the bridge. Not tied to the network being online: a tunnel may be made
# before its underlay address is there.
_UNIT_TEXT = f"""\
# Written by weft.overlay; changes are overwritten by its next run.
[Unit]
Description=Overlay network of weft.overlay (applies the stored plan)
Documentation=file://{PLAN_PATH}
ConditionPathExists={PLAN_PATH}
DefaultDependencies=no
Requires=sysinit.target
After=sysinit.target dbus.service network-pre.target
After=firewalld.service nftables.service netfilter-persistent.service iptables.service ip6tables.service
Before=docker.service
Wants=network-pre.target
Conflicts=shutdown.target
Before=shutdown.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart={COMMAND_PATH} apply

[Install]
WantedBy=multi-user.target
"""

# -I: neither the caller's environment nor the current folder decides which code runs as root.
_COMMAND_TEXT = f"""\
#!/bin/sh
# Written by weft.overlay; changes are overwritten by its next run.
exec /usr/bin/python3 -I {PROGRAM_ROOT}/current/main.py "$@"
"""


def files_of(plan: HostPlan) -> tuple[File, ...]:
    """Every file of ours that a host with this plan has, the plan itself last."""
    wants = f"/etc/systemd/system/multi-user.target.wants/{UNIT}"
    return (
        File(COMMAND_PATH, _COMMAND_TEXT, 0o755),
        File(UNIT_PATH, _UNIT_TEXT),
        File(wants, "", target="../" + UNIT),
        File(PLAN_PATH, to_json(plan), 0o600),
    )
