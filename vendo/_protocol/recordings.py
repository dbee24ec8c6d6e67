"""Secrets in the files of tools that record requests, such as the cassettes of VCR.py."""

from __future__ import annotations

import sys

from vendo._protocol.secret import MASK, Secret

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: The module of PyYAML that writes secrets as a mask. It is not imported here.
_masking: Any = None


def mask_in_yaml() -> None:
    """Have PyYAML, if the program uses it, write a secret as a mask that it can read again.

    It would write how the secret is unpickled, which a safe loader does not read.
    """
    global _masking
    module: Any = sys.modules.get("yaml.representer")
    if module is _masking:
        return
    for representer in (module.SafeRepresenter, module.Representer):
        representer.add_multi_representer(Secret, _represent)
    _masking = module


def _represent(representer: Any, _secret: Secret) -> Any:
    return representer.represent_str(MASK)
