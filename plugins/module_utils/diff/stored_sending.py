# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The services that send denials, and that collect them: shut in, for they speak with other hosts.

Root without its powers still owns its files: the key, the plan, and the one folder that each of them may write to.
"""

from __future__ import annotations

from ..model.audit import AUDIT_FOLDER
from ..model.plan import HostPlan
from ..model.stored import (
    AUDIT_UNIT,
    COLLECT_UNIT,
    COMMAND_PATH,
    OVERLAY_UNIT,
    PLAN_PATH,
    SEND_UNIT,
    WRITTEN_BY,
    File,
)

_SHUT_IN = """\
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=read-only
PrivateTmp=yes
PrivateDevices=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
"""

# StateDirectory= is what the audit makes too: whichever begins first, the folder is there and this one may write to it.
_SEND = f"""\
# {WRITTEN_BY}; changes are overwritten by its next run.
[Unit]
Description=Sender of weft.overlay (denials of this host to where all hosts' are collected)
Documentation=file://{PLAN_PATH}
ConditionPathExists={PLAN_PATH}
After={OVERLAY_UNIT.name} {AUDIT_UNIT.name} network.target

[Service]
Type=notify
ExecStart={COMMAND_PATH} send
Restart=always
RestartSec=5
RuntimeDirectory=weft
RuntimeDirectoryPreserve=yes
StateDirectory={AUDIT_FOLDER[len("/var/lib/") :]}
StateDirectoryMode=0700
CapabilityBoundingSet=
{_SHUT_IN}
[Install]
WantedBy=multi-user.target
"""

# The folder is made before it is shut in. Where there is no store yet, it runs and takes nothing; it begins anew when
# there is one. Its port may be a low one.
_COLLECT = f"""\
# {WRITTEN_BY}; changes are overwritten by its next run.
[Unit]
Description=Collector of weft.overlay (denials of all hosts, into the store)
Documentation=file://{PLAN_PATH}
ConditionPathExists={PLAN_PATH}
After={OVERLAY_UNIT.name} network.target local-fs.target remote-fs.target
# It ends where there is a store at last, to begin anew with the right to write there.
StartLimitIntervalSec=0

[Service]
Type=notify
ExecStartPre=+{COMMAND_PATH} collect prepare
ExecStart={COMMAND_PATH} collect
Restart=always
RestartSec=1
RuntimeDirectory=weft
RuntimeDirectoryPreserve=yes
ReadWritePaths=-{{folder}}
CapabilityBoundingSet=CAP_NET_BIND_SERVICE
LimitNOFILE=8192
{_SHUT_IN}
[Install]
WantedBy=multi-user.target
"""


def sending_files(plan: HostPlan) -> tuple[File, ...]:
    found: tuple[File, ...] = ()
    if plan.audit is not None:
        found += SEND_UNIT.files(_SEND)
    if plan.collector is not None:
        found += COLLECT_UNIT.files(_COLLECT.format(folder=plan.collector.folder))
    return found
