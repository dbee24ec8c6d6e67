"""One pass: find out the values, bring the file up to date, and tell of what changed.

What can go wrong between two steps decides their order. The state is written ahead of the file, so
that a line of ours is known as ours whenever the process ends. A change counts as told just before
it is told, and as not told again when that fails: a handler that ends the process is not called
once more by the next one, for ever.
"""

from __future__ import annotations

from collections.abc import Mapping

from vendo._client.blocking import Vendo
from vendo._protocol.log import logger
from vendo.errors import VendoError
from vendo.reconciler import _contents, _state
from vendo.reconciler._env_file import EnvFile, LockedEnvFile
from vendo.reconciler._mapping import Source
from vendo.reconciler._notice import Change, Notice
from vendo.reconciler._quoting import assignment
from vendo.reconciler._state import State
from vendo.reconciler._values import Unknown, current_values


class Keeper:
    """Keeps one env file equal to one mapping. Used by one thread at a time."""

    def __init__(
        self, client: Vendo, env_file: EnvFile, sources: Mapping[str, Source], notice: Notice
    ) -> None:
        self._client = client
        self._env_file = env_file
        self._sources = sources
        self._notice = notice
        #: What this process has told of: a key, and digests of the lines under it. It goes on
        #: from what the state remembers of an earlier process, as it is when this one begins.
        #: Another process that keeps the same file tells for itself.
        self._told: tuple[str, Mapping[str, str]] | None = None
        #: Variables that could not be asked for in the last pass, and were logged.
        self._unknown: frozenset[str] = frozenset()

    def begin(self) -> None:
        """Find out whether the file can be kept, and what was told of it so far.

        Raises:
            ValidationError: it cannot be read or written.
        """
        self._env_file.check()
        with self._env_file.locked() as file:
            self._told = _told_so_far(file)

    def bring_up_to_date(self) -> bool:
        """Write what has to be written and tell of it. True where the file was written.

        Raises:
            VendoError: the values are not to be had, or cannot be written; the file is as it was.
            Exception: whatever the notice raises; the file is written, and the next pass tells of
                it again.
        """
        with self._env_file.locked() as file:
            held = _contents.parsed(file.read()).lines
            self._told = self._told or _told_so_far(file)
            told_key, told = self._told
        values = self._client._run(current_values(self._client, self._sources, held))
        lines = {
            # A line whose value cannot be asked for now stays as it is, and holds up no other.
            name: held[name] if isinstance(value, Unknown) else assignment(name, value)
            for name, value in values.items()
            if name in held or not isinstance(value, Unknown)
        }
        self._report({name: v.error for name, v in values.items() if isinstance(v, Unknown)})
        with self._env_file.locked() as file:
            key, remembered, written = _write(file, lines)
            told_before = remembered.told if remembered else {}
            telling = _digests(told_key, lines)
            change = self._difference(told, telling)
            if change or remembered is None:
                _remember_told(file, key, _digests(key, lines))
        if change:
            try:
                self._tell(change)
            except Exception:
                # SystemExit passes: a process that ends over it was told, and so is the next one.
                with self._env_file.locked() as file:
                    _remember_told(file, key, told_before)
                raise
        self._told = (told_key, telling)
        return written

    def _report(self, unknown: Mapping[str, VendoError]) -> None:
        for name, error in unknown.items():
            if name not in self._unknown:
                logger.warning("There is no new value for %s, and it stays: %s", name, error)
        self._unknown = frozenset(unknown)

    def _tell(self, change: Change) -> None:
        for slug in {self._sources[name].slug for name in change.names if name in self._sources}:
            # Whoever is told may ask for the token next, and is not to get the older one.
            self._client.invalidate(slug)
        self._notice(change)

    def _difference(self, old: Mapping[str, str], new: Mapping[str, str]) -> Change:
        return Change(
            self._env_file.path,
            added=tuple(name for name in new if name not in old),
            changed=tuple(name for name in new if name in old and old[name] != new[name]),
            removed=tuple(name for name in old if name not in new),
        )


def _write(file: LockedEnvFile, lines: Mapping[str, str]) -> tuple[str, State | None, bool]:
    """Give the file these lines.

    Returns the block's key, what was remembered of the block, and whether it had to be written.
    """
    text = file.read()
    found = _contents.parsed(text)
    remembered = _state.read(file.read_state(), found.key)
    key = found.key or _contents.new_key()
    known = frozenset[str]() if remembered is None else remembered.lines

    def is_ours(name: str, line: str) -> bool:
        # Nothing remembered: all that is in the block was ours when it was written.
        return name in lines or remembered is None or _contents.digest(key, line) in known

    found = _contents.without(found, is_ours)
    new_text = _contents.rendered(found.foreign, key, lines)
    is_right = new_text == text and file.is_private()
    if is_right and remembered is not None:
        return key, remembered, False
    ours = [*_digests(key, found.lines).values(), *_digests(key, lines).values()]
    ahead = State(frozenset(ours), remembered.told if remembered else {})
    file.write_state(_state.written(ahead, key))
    if not is_right:
        file.replace(new_text)
    return key, remembered, not is_right


def _told_so_far(file: LockedEnvFile) -> tuple[str, Mapping[str, str]]:
    key = _contents.parsed(file.read()).key
    remembered = _state.read(file.read_state(), key)
    return key or _contents.new_key(), remembered.told if remembered else {}


def _remember_told(file: LockedEnvFile, key: str, told: Mapping[str, str]) -> None:
    state = _state.read(file.read_state(), key) or State()
    file.write_state(_state.written(State(state.lines, told), key))


def _digests(key: str, lines: Mapping[str, str]) -> dict[str, str]:
    return {name: _contents.digest(key, line) for name, line in lines.items()}
