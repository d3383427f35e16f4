"""Every option of a run, as ``options.toml`` declares it: read once, shared by the command line and the pytest plugin.

Imports nothing of the engine, since the plugin is loaded in every pytest run of its environment.
"""

import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from stsconf.deadline import seconds
from stsconf.errors import UsageError

Type = Literal["flag", "text", "choice", "words", "path", "count", "duration"]

GROUPS = {
    "where": "where to run",
    "what": "what to judge",
    "results": "results",
    "limits": "limits",
    "kind": "with --cluster=kind",
    "existing": "with --cluster=existing",
    "local": "with --cluster=local",
}
"""The headings of ``--help``, in order."""

FLAGS = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
"""What a flag may be in the environment; empty is no, and case does not count."""


@dataclass(frozen=True, slots=True)
class Option:
    """One row of the table; the head of ``options.toml`` says what each field means."""

    type: Type
    group: str
    commands: tuple[str, ...]
    help: str
    default: str = ""
    choices: tuple[str, ...] = ()
    only_with: tuple[str, ...] = ()
    metavar: str = ""

    def argument(self, *, grouped: bool) -> dict[str, Any]:
        """What ``add_argument`` takes, the name apart. Values stay text, so that ``read`` alone refuses one.

        The help begins with the providers that the option applies to, unless it is ``grouped`` below them.
        """
        said = not self.only_with or (grouped and self.only_with == (self.group,))
        where = "" if said else f"with {' and '.join(self.only_with)}: "
        told = where + self.help + (f" (default: {self.default})" if self.default else "")
        if self.type == "flag":
            return {"help": told, "action": "store_true", "default": None}
        metavar = self.metavar or f"{{{','.join(self.choices)}}}"
        return {"help": told, "metavar": metavar, "action": "append" if self.type == "words" else "store"}

    def value(self, raw: object) -> Any:
        """The value of what somebody gave. Raises ``ValueError`` with what is wrong, for a sentence."""
        return _READERS[self.type](self, raw)

    @property
    def absent(self) -> Any:
        """The value where nobody gave one."""
        return self.value(self.default) if self.default else False if self.type == "flag" else None


def _flag(_: Option, raw: object) -> bool:
    if (value := raw if isinstance(raw, bool) else FLAGS.get(str(raw).lower())) is None:
        raise ValueError(f"'{raw}' is neither yes (1, true, yes) nor no (0, false, no)")
    return value


def _choice(option: Option, raw: object) -> str:
    if str(raw) not in option.choices:
        raise ValueError(f"'{raw}' is none of {', '.join(option.choices)}")
    return str(raw)


def _words(_: Option, raw: object) -> tuple[str, ...] | None:
    given = raw if isinstance(raw, list | tuple) else [raw]
    return tuple(word for each in given for part in str(each).split(",") if (word := part.strip())) or None


def _count(_: Option, raw: object) -> int:
    text = str(raw)
    if not (text.isascii() and text.isdecimal() and int(text)):
        raise ValueError(f"'{raw}' is not a number of 1 or more")
    return int(text)


_READERS: Mapping[Type, Callable[[Option, object], Any]] = {
    "flag": _flag,
    "text": lambda _, raw: str(raw),
    "choice": _choice,
    "words": _words,
    "path": lambda _, raw: Path(str(raw)).expanduser(),
    "count": _count,
    "duration": lambda _, raw: seconds(str(raw)),
}


def _table() -> Mapping[str, Option]:
    """The table. A row with a field, type or group that there is not raises ``TypeError`` or ``ValueError``."""
    rows = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
    lists = ("commands", "choices", "only_with")
    found: dict[str, Option] = {}
    for name, row in rows.items():
        fields: dict[str, Any] = {key: tuple(value) if key in lists else value for key, value in row.items()}
        found[name] = Option(**fields)
    for name, option in found.items():
        if option.group not in GROUPS or not set(option.only_with) <= set(found["cluster"].choices):
            raise ValueError(f"options.toml: {name} has a group or a provider that there is not")
    return MappingProxyType(found)


TABLE = _table()

_prefix = "--"


def spell_with(prefix: str) -> None:
    """Spell options in messages as this process was given them: ``--NAME`` for stsconf, ``--sts-NAME`` for pytest."""
    global _prefix
    _prefix = prefix


def spelled(name: str, value: str = "") -> str:
    """An option as the user of this process writes it, for a message."""
    return f"{_prefix}{name}={value}" if value else f"{_prefix}{name}"


def variable(name: str) -> str:
    """The option's variable in the environment."""
    return f"STS_{name.upper().replace('-', '_')}"


def meant(word: str, known: Iterable[str]) -> str:
    """The name that a mistyped word is closest to, as a question for the end of a sentence; empty without one."""
    close = get_close_matches(word, known, n=1)
    return f" (did you mean {close[0]}?)" if close else ""


@dataclass(frozen=True, slots=True)
class Given:
    """The typed value of each option, and where it came from: the option or variable as its user wrote it."""

    values: Mapping[str, Any]
    sources: Mapping[str, str]

    def __getitem__(self, name: str) -> Any:
        """The value; that of nobody's choice is the default, ``False`` for a flag, else ``None``."""
        return self.values[name]

    @contextmanager
    def checking(self, name: str) -> Iterator[None]:
        """Make a ``ValueError`` of the block a ``UsageError`` that names the option."""
        try:
            yield
        except ValueError as error:
            raise UsageError(f"{self.sources.get(name, spelled(name))}: {error}.") from None


def read(given: Mapping[str, object], environment: Mapping[str, str], command: str = "") -> Given:
    """What was asked for: an option that is given, else its variable, else its default; empty counts as not given.

    Of the environment counts what ``command`` takes, all of it where none is named. An option that belongs to another
    provider than the default chooses that one where none was named. Raises ``UsageError`` for a value that makes no
    sense, and for an option that the provider has no use for.
    """
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    for name, option in TABLE.items():
        raw, source = given.get(name), spelled(name)
        if raw is None and (not command or command in option.commands):
            raw, source = environment.get(variable(name)), variable(name)
        values[name] = option.absent
        if raw is not None and raw not in ("", []):
            try:
                values[name] = option.value(raw)
            except ValueError as error:
                raise UsageError(f"{source}: {error}.") from None
            sources[name] = source
    _fit_provider(values, sources)
    return Given(values, sources)


def _fit_provider(values: dict[str, Any], sources: Mapping[str, str]) -> None:
    """Choose the provider where none was named, and refuse what it has no use for. A default value asks for nothing."""
    asked = {name: TABLE[name].only_with for name in sources if values[name] != TABLE[name].absent}
    choosing = [name for name, providers in asked.items() if providers and TABLE["cluster"].default not in providers]
    chooser = "cluster" if "cluster" in sources else next(iter(choosing), None)
    if chooser in choosing:
        values["cluster"] = asked[chooser][0]
    for name, providers in asked.items():
        if chooser and providers and values["cluster"] not in providers:
            raise UsageError(
                f"{sources[name]}: applies only to provider {' and '.join(providers)}, "
                f"and {sources[chooser]} says {values['cluster']}."
            )
