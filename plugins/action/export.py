# Copyright: (c) 2026, the weft.overlay authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Configurations of clients, from the server that keeps them into files that Ansible Vault encrypts."""

from __future__ import annotations

import os
from tempfile import TemporaryDirectory
from typing import Any

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.parsing.vault import VaultLib, VaultSecretsContext, match_encrypt_secret
from ansible.plugins.action import ActionBase

from ansible_collections.weft.overlay.plugins.module_utils.kernel import atomic
from ansible_collections.weft.overlay.plugins.module_utils.kernel.keys import sealing
from ansible_collections.weft.overlay.plugins.module_utils.model.errors import WeftError

_ARGUMENTS = {
    "folder": {"type": "path", "required": True},
    "clients": {"type": "list", "elements": "str", "default": []},
    "vault_id": {"type": "str"},
}


class ActionModule(ActionBase):
    """What the server returns is sealed to a key that this process makes and forgets: no result, log or message of
    Ansible has a configuration in it."""

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validation, given = self.validate_argument_spec(_ARGUMENTS)
        vault = _Vault(given["vault_id"])
        try:
            with TemporaryDirectory(prefix="weft-") as folder:
                root = f"{folder}/seal"
                asked = {"state": "exported", "clients": given["clients"], "certificate": sealing.certificate(root)}
                done = self._execute_module("weft.overlay.pack", module_args=asked, task_vars=task_vars)
                if done.get("failed") or "exported" not in done:
                    return {**result, **done}
                texts = {name: sealing.open_(text, root) for name, text in done["exported"].items()}
        except WeftError as error:
            return {**result, "failed": True, "msg": str(error)}
        changed = [self._write(vault, f"{given['folder']}/{name}.conf.vault", text) for name, text in texts.items()]
        return {**result, "changed": any(changed), "exported": sorted(texts)}

    def _write(self, vault: _Vault, path: str, text: bytes) -> bool:
        if vault.holds(path, text):
            return False
        if not self._task.check_mode:
            os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
            atomic.write(path, vault.encrypt(text))
        return True


class _Vault:
    """The operator's vault secret. Raises AnsibleActionFail where Ansible was not given one."""

    def __init__(self, vault_id: str | None) -> None:
        context = VaultSecretsContext.current(optional=True)
        secrets = context.secrets if context else []
        if not secrets:
            raise AnsibleActionFail("there is no vault password to encrypt with; give --ask-vault-pass or --vault-id")
        self._id, self._secret = match_encrypt_secret(secrets, vault_id)
        self._vault = VaultLib(secrets)

    def encrypt(self, text: bytes) -> bytes:
        data: bytes = self._vault.encrypt(text, self._secret, vault_id=self._id)
        return data

    def holds(self, path: str, text: bytes) -> bool:
        """Whether a file is this text, encrypted; one that cannot be decrypted is not."""
        try:
            with open(path, "rb") as stream:
                data = stream.read()
            return VaultLib.is_encrypted(data) and self._vault.decrypt(data) == text
        except (FileNotFoundError, AnsibleError):
            return False
