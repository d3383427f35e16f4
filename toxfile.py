"""One installed environment for every command of tox.ini that needs the same packages: ``runner = shared``.

tox makes an environment anew where another name used its folder before; what is installed in these is the same.
"""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from tox.plugin import impl
from tox.tox_env.info import Info
from tox.tox_env.python.virtual_env.runner import VirtualEnvRunner
from tox.tox_env.register import ToxEnvRegister


class _Nameless(Info):
    """What tox remembers of an environment, but for its name."""

    @contextmanager
    def compare(
        self, value: Any, section: str, sub_section: str | None = None
    ) -> Generator[tuple[bool, Any | None], None, None]:
        if section == "ToxEnv":
            value = {**value, "name": "shared"}
        with super().compare(value, section, sub_section) as found:
            yield found


class Shared(VirtualEnvRunner):
    """An environment whose folder others use as well, one after another."""

    @staticmethod
    def id() -> str:
        """As tox.ini names it."""
        return "shared"

    @property
    def cache(self) -> Info:
        """What was installed here, by whichever name."""
        return _Nameless(self.env_dir)


@impl
def tox_register_tox_env(register: ToxEnvRegister) -> None:
    """Let tox.ini say ``runner = shared``."""
    register.add_run_env(Shared)
