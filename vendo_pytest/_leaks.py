"""Find tokens in a test's output and logs, and mask them in the report."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import pytest

    from vendo_pytest._suite import TestScope

#: Shorter tokens occur in unrelated texts.
_SHORTEST = 4
_MASK = "[token of {slug}]"
_CAPTURING = ("capsys", "capfd", "capsysbinary", "capfdbinary", "capteesys")


class Leaks:
    """The search for leaks of one test."""

    def __init__(self, test: TestScope) -> None:
        self._test = test
        self._reported: set[str] = set()
        #: Output that the test has read from a capturing fixture, which no report shows.
        self._read: dict[str, list[str]] = {}

    def listen(self, funcargs: dict[str, Any]) -> None:
        """Search the output that the test reads from `capsys` and similar fixtures, too."""
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
        """Mask tokens in a report, and fail it if its output shows one."""
        masks = self._masks()
        where: dict[str, list[str]] = {}
        read = [(f"output read from {name}", "".join(texts)) for name, texts in self._read.items()]
        for place, text in (*report.sections, *read):
            slugs = sorted({slug for slug, form in masks if form in text})
            if slugs and place not in self._reported:
                self._reported.add(place)
                where[place[:1].lower() + place[1:]] = slugs
        report.sections = [(place, _masked(text, masks)) for place, text in report.sections]
        failure = self._mask_failure(report, masks)
        if where:
            found = "; ".join(
                f"{', '.join(slugs)} in the {place}" for place, slugs in where.items()
            )
            message = f"vendo_leaks: the output contains a token: {found}."
            report.outcome = "failed"
            report.longrepr = f"{failure}\n{message}" if failure else message

    @staticmethod
    def _mask_failure(report: pytest.TestReport, masks: list[tuple[str, str]]) -> str:
        """Mask the text of a failure or a skip, and return it."""
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
        """Return every form of every recorded token, longest first."""
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
