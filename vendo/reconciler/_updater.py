"""One update: resolve the values, write the file, call the handler of a change.

The order of the steps is safe against a crash between any two. The state is written before the
file, so that our lines are always known as ours. A change is stored as handled just before its
handler is called, and as not handled if that fails: a handler that ends the process is not called
again by the next one, which would never end.
"""

from __future__ import annotations

from collections.abc import Mapping

from vendo._catalog import catalog
from vendo._client.blocking import Vendo
from vendo._protocol.log import logger
from vendo._protocol.secret import Secret
from vendo.errors import ValidationError, VendoError
from vendo.reconciler import _managed_block, _state
from vendo.reconciler._change import Change
from vendo.reconciler._env_file import EnvFile, LockedEnvFile
from vendo.reconciler._handlers import Handler
from vendo.reconciler._mapping import Source
from vendo.reconciler._quoting import assignment
from vendo.reconciler._reader import Reader
from vendo.reconciler._resolver import Unavailable, current_values
from vendo.reconciler._state import State


class Updater:
    """Updates one env file from one mapping. Used by one thread at a time."""

    def __init__(
        self,
        client: Vendo,
        env_file: EnvFile,
        reader: Reader,
        handler: Handler,
        multiline: frozenset[str],
    ) -> None:
        self._client = client
        self._env_file = env_file
        self._reader = reader
        #: The provider of each variable that has had one.
        self._slugs: dict[str, str] = {}
        self._multiline = multiline
        self._handler = handler
        #: The lines at the last change that this process has handled: a key, and their digests. It
        #: begins with those of an earlier process. Another process that keeps the same file has
        #: its own.
        self._handled: tuple[Secret, Mapping[str, str]] | None = None
        #: True until the first lines of a new file are written. A program that starts with them
        #: has nothing to restart for, and on a fresh disk it would never end to.
        self._is_first = False
        #: Variables that were unavailable in the last update, and were logged.
        self._unavailable: frozenset[str] = frozenset()
        #: Providers that had no value, and were looked at for a typing error.
        self._without_value: set[str] = set()

    def prepare(self) -> None:
        """Check that the file can be updated, and read which changes were handled.

        Raises:
            ValidationError: it cannot be read or written.
        """
        self._env_file.check()
        with self._env_file.locked() as file:
            key, handled = _handled_lines(file)
            self._handled = key, handled or {}
            self._is_first = handled is None

    def update(self) -> bool:
        """Write the file if it has to be, and handle a change. Return True if it was written.

        Raises:
            ValidationError: the file cannot be written, or cannot hold one of the values. The other
                values are written, and a change of them is handled.
            VendoError: the values are not available, and the file is unchanged. Or a function for
                one value failed, which is then like a value that the file cannot hold.
            Exception: the handler raised it. The file is written, and the next update calls the
                handler again.
        """
        with self._env_file.locked() as file:
            present = _managed_block.parse(file.read()).lines
            handled_key, handled = self._handled or _handled_lines(file)
        values = self._values(present)
        lines, problems = self._lines(values, present)
        with self._env_file.locked() as file:
            key, stored, written = _write(file, lines)
            handled_before = stored.handled if stored else {}
            digests = _digests(handled_key, lines)
            change = self._difference(digests if self._is_first else handled or {}, digests)
            if change or stored is None:
                _store_handled(file, key, _digests(key, lines))
        if change:
            try:
                self._handle(change)
            except Exception:
                # SystemExit is not caught: a process that the handler ends has handled the change.
                with self._env_file.locked() as file:
                    _store_handled(file, key, handled_before)
                raise
        self._handled = (handled_key, digests)
        self._is_first = False
        if problems:
            raise problems[0]
        return written

    def _values(
        self, present: Mapping[str, Secret]
    ) -> dict[str, Secret | Unavailable | VendoError]:
        """Return the values by variable, in the order of the mapping."""
        readings = self._reader.read(self._client)
        sources = {name: each for name, each in readings.items() if isinstance(each, Source)}
        self._slugs.update({name: source.slug for name, source in sources.items()})
        found = self._client._run(current_values(self._client, sources, present))
        self._warn_of_typos({each.slug for name, each in sources.items() if name not in found})
        values = {
            name: found.get(name) if isinstance(reading, Source) else reading
            for name, reading in readings.items()
        }
        return {name: value for name, value in values.items() if value is not None}

    def _warn_of_typos(self, slugs: set[str]) -> None:
        """Log a provider without a value if its slug is almost one of the catalog, once."""
        for slug in sorted(slugs - self._without_value):
            question = None if catalog.provider(slug) else catalog.did_you_mean(slug)
            if question:
                logger.warning(
                    "The mapping names %r, which has no credential and is not in the catalog. "
                    "Fix: %s",
                    slug,
                    question,
                )
        self._without_value |= slugs

    def _lines(
        self,
        values: Mapping[str, Secret | Unavailable | VendoError],
        present: Mapping[str, Secret],
    ) -> tuple[dict[str, Secret], list[VendoError]]:
        """Return the lines to write, and the problems of the values that cannot be written."""
        lines: dict[str, Secret] = {}
        problems: list[VendoError] = []
        unavailable: dict[str, VendoError] = {}
        for name, value in values.items():
            if name in present:
                # It stays if there is no other, and so delays no other line.
                lines[name] = present[name]
            if isinstance(value, Unavailable):
                unavailable[name] = value.error
                continue
            if isinstance(value, VendoError):
                problems.append(value)
                continue
            try:
                lines[name] = assignment(name, value, multiline=name in self._multiline)
            except ValidationError as error:
                problems.append(error)
        self._log(unavailable)
        return lines, problems

    def _log(self, unavailable: Mapping[str, VendoError]) -> None:
        for name, error in unavailable.items():
            if name not in self._unavailable:
                logger.warning("No new value for %s, so its line stays: %s", name, error)
        self._unavailable = frozenset(unavailable)

    def _handle(self, change: Change) -> None:
        for slug in {self._slugs[name] for name in change.names if name in self._slugs}:
            # The handler may call `token()`, which must not return the old one.
            self._client.invalidate(slug)
        self._handler(change)

    def _difference(self, old: Mapping[str, str], new: Mapping[str, str]) -> Change:
        return Change(
            self._env_file.path,
            added=tuple(name for name in new if name not in old),
            changed=tuple(name for name in new if name in old and old[name] != new[name]),
            removed=tuple(name for name in old if name not in new),
        )


def _write(file: LockedEnvFile, lines: Mapping[str, Secret]) -> tuple[Secret, State | None, bool]:
    """Write these lines into the block.

    Return the block's key, the stored state of the block, and whether the file was written.
    """
    text = file.read()
    found = _managed_block.parse(text)
    stored = _state.decode(file.read_state(), found.key)
    key = found.key or _managed_block.new_key()
    known = frozenset[str]() if stored is None else stored.lines

    def is_ours(name: str, line: Secret) -> bool:
        # Without a stored state every line of the block counts as ours.
        return name in lines or stored is None or _managed_block.digest(key, line) in known

    found = _managed_block.disown(found, is_ours)
    new_text = _managed_block.render(found.foreign, key, lines)
    up_to_date = new_text == text and file.is_private()
    if up_to_date and stored is not None:
        return key, stored, False
    ours = [*_digests(key, found.lines).values(), *_digests(key, lines).values()]
    state = State(frozenset(ours), stored.handled if stored else {})
    file.write_state(_state.encode(state, key))
    if not up_to_date:
        file.replace(new_text)
    return key, stored, not up_to_date


def _handled_lines(file: LockedEnvFile) -> tuple[Secret, Mapping[str, str] | None]:
    """Return the block's key and the lines that were handled; None for a file without a state."""
    key = _managed_block.parse(file.read()).key
    stored = _state.decode(file.read_state(), key)
    return key or _managed_block.new_key(), stored.handled if stored else None


def _store_handled(file: LockedEnvFile, key: Secret, handled: Mapping[str, str]) -> None:
    state = _state.decode(file.read_state(), key) or State()
    file.write_state(_state.encode(State(state.lines, handled), key))


def _digests(key: Secret, lines: Mapping[str, Secret]) -> dict[str, str]:
    return {name: _managed_block.digest(key, line) for name, line in lines.items()}
