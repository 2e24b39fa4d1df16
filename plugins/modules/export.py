# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: export
short_description: Write configurations of clients on the controller, encrypted with Ansible Vault
version_added: 0.2.0
description:
  - For those who keep the files of their clients in version control. Each becomes C(<client>.conf.vault), which
    C(ansible-vault view) shows.
  - The configurations have private keys in them. They leave the server sealed, and the controller opens them in memory
    to encrypt them with the vault's password. This is the one place where the controller has them in the clear.
  - A file that says the same already is left as it is.
author:
  - the weft.overlay authors (@weft-overlay)
options:
  folder:
    description: Folder on the controller; made where it is not there.
    type: path
    required: true
  clients:
    description: Whose configurations are written; those that another server keeps are passed over. All if empty.
    type: list
    elements: str
    default: []
  vault_id:
    description: Label of the vault secret to encrypt with; without it, the first one given to Ansible.
    type: str
attributes:
  check_mode:
    support: full
    description: Nothing is written.
  diff_mode:
    support: none
    description: The difference would be a secret.
"""

EXAMPLES = r"""
- name: Keep the configurations in version control
  weft.overlay.export:
    folder: "{{ inventory_dir }}/clients"
"""

RETURN = r"""
exported:
  description: Clients whose configuration is in the folder now.
  returned: success
  type: list
  elements: str
"""
