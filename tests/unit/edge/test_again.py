# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The command that a summary ends with."""

from __future__ import annotations

import pytest

from ansible_collections.weft.overlay.plugins.module_utils.edge.again import command

RAN = {"args": ("playbooks/site.yml",), "inventory": ["/srv/net/inventories/mine"]}


def said(playbook="", extra=(), **more):
    return command({**RAN, **more}, playbook, extra, "/srv/net")


def test_it_is_what_was_run_without_its_limits():
    assert said(subset="runner2", check=True) == "ansible-playbook playbooks/site.yml -i inventories/mine"


@pytest.mark.parametrize(
    ("ran", "wanted", "playbook"),
    [
        ("playbooks/client.yml", "", "playbooks/site.yml"),
        ("plan.yml", "", "site.yml"),
        ("weft.overlay.rotate", "", "weft.overlay.site"),
        ("weft.overlay.site", "remove_runner", "weft.overlay.remove_runner"),
        ("playbooks/site.yml", "remove_runner", "playbooks/remove_runner.yml"),
        ("playbooks/teardown.yml", "", "playbooks/teardown.yml"),
        ("ours.yml", "", "ours.yml"),
    ],
)
def test_it_is_called_as_it_was(ran, wanted, playbook):
    assert said(wanted, args=(ran,)).split()[1] == playbook


def test_of_extra_variables_only_our_own_are_said_again_and_no_permission_twice():
    given = ("weft_domain_from=nas secret=s3cret weft_force=true", "@vars.yml", '{"weft_serial": 1, "token": "t0ken"}')
    line = said(extra_vars=given, extra=("target=runner3",))
    assert line.partition(" -i inventories/mine ")[2] == (
        "-e weft_domain_from=nas -e @vars.yml -e weft_serial=1 -e target=runner3"
    )


def test_what_cannot_be_read_is_not_said_again():
    assert said(extra_vars=("{weft_x: 1", "weft_y='1", "weft_z")) == said()


def test_how_hosts_are_reached_is_said_again():
    line = said(become=True, ask_vault_pass=True, remote_user="anna", vault_password_files=["/srv/net/pass"])
    assert line.endswith("--become --ask-vault-pass --user anna --vault-password-file pass")


def test_inventories_are_said_as_short_as_they_can_be():
    assert said(inventory=["/etc/ansible/hosts", "a,b,"]).endswith("-i /etc/ansible/hosts -i a,b,")
