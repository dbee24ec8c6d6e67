"""Looks for tokens in what a test has printed and logged, and keeps them out of the report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import pytest

    from vendo_pytest._suite import TestScope

#: Shorter ones would be found in texts that have nothing to do with them.
_SHORTEST = 4
_MASK = "[token of {slug}]"
_CAPTURING = ("capsys", "capfd", "capsysbinary", "capfdbinary", "capteesys")


class Leaks:
    """One test that is watched for leaks."""

    def __init__(self, test: TestScope) -> None:
        self._test = test
        self._told: set[str] = set()
        #: What the test itself has taken out of a capturing fixture: no report shows it.
        self._read: dict[str, list[str]] = {}

    def listen(self, funcargs: dict[str, Any]) -> None:
        """Look also at what the test reads from `capsys` and its kin."""
        for name in _CAPTURING:
            fixture = funcargs.get(name)
            if fixture is not None:
                fixture.readouterr = self._listening(name, fixture.readouterr)

    def _listening(self, name: str, read: Callable[[], Any]) -> Callable[[], Any]:
        def readouterr() -> Any:
            captured = read()
            for text in captured:
                if isinstance(text, bytes):
                    text = text.decode("utf-8", "replace")  # noqa: PLW2901  # the same text
                self._read.setdefault(name, []).append(text)
            return captured

        return readouterr

    def inspect(self, report: pytest.TestReport) -> None:
        """Fail a report whose output shows a token, and mask the token wherever it stands."""
        masks = self._masks()
        where: dict[str, list[str]] = {}
        read = [(f"output read from {name}", "".join(texts)) for name, texts in self._read.items()]
        for place, text in (*report.sections, *read):
            slugs = sorted({slug for slug, form in masks if form in text})
            if slugs and place not in self._told:
                self._told.add(place)
                where[place[:1].lower() + place[1:]] = slugs
        report.sections = [(place, _masked(text, masks)) for place, text in report.sections]
        failure = self._mask_failure(report, masks)
        if where:
            found = "; ".join(
                f"{', '.join(slugs)} in the {place}" for place, slugs in where.items()
            )
            told = f"vendo_leaks: a token shows up where anybody may read it: {found}."
            report.outcome = "failed"
            report.longrepr = f"{failure}\n{told}" if failure else told

    @staticmethod
    def _mask_failure(report: pytest.TestReport, masks: list[tuple[str, str]]) -> str:
        """Mask what a report says of a failure or of a skip, and return its text."""
        if isinstance(report.longrepr, tuple):  # pytest's form for a skipped test
            path, line, reason = report.longrepr
            reason = _masked(reason, masks)
            report.longrepr = (path, line, reason)
            return reason
        text = "" if report.longrepr is None else str(report.longrepr)
        masked = _masked(text, masks)
        if masked != text:
            report.longrepr = masked
        return masked

    def _masks(self) -> list[tuple[str, str]]:
        """Every form of every token that was handed out, the longest first."""
        forms = {
            (slug, form)
            for slug, token in self._test.handed_out
            if len(token) >= _SHORTEST
            for form in (token, quote(token, safe=""))
        }
        return sorted(forms, key=lambda pair: (-len(pair[1]), pair))


def _masked(text: str, masks: Iterable[tuple[str, str]]) -> str:
    for slug, form in masks:
        text = text.replace(form, _MASK.format(slug=slug))
    return text
