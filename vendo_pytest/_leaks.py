"""Find tokens in what a test prints, logs, warns and records, and mask them in its reports."""

from __future__ import annotations

from typing import Any

import pytest

from vendo_pytest._masks import Masks

TYPE_CHECKING = False
if TYPE_CHECKING:
    import warnings
    from collections.abc import Callable, Iterator, Mapping

    from vendo_pytest._suite import TestScope

_CAPTURING = ("capsys", "capfd", "capsysbinary", "capfdbinary", "capteesys")
#: Fixtures that return a method of an object of pytest, and where that object keeps the values.
_RECORDING = {
    "record_xml_attribute": ("attrs", "recorded XML attributes"),
    "record_testsuite_property": ("global_properties", "recorded properties of the suite"),
}
_PHASES = ("setup", "call", "teardown")
#: What identifies a report stays as it is.
_IDENTITY = {"_id", "nodeid", "location", "keywords", "outcome", "when"}


class Leaks:
    """The search for leaks of one test, over all attempts to run it."""

    def __init__(self, item: pytest.Item) -> None:
        self.nodeid = item.nodeid
        self._item = item
        self._attempts: list[TestScope] = []
        self._reported: set[tuple[str, str]] = set()
        #: Output that the test has read from a capturing fixture, which no report shows.
        self._read: dict[str, list[str]] = {}
        self._slugs_in_warnings: set[str] = set()

    def begin(self, test: TestScope) -> None:
        """Begin an attempt. The reports of a further one repeat the output of those before."""
        if test not in self._attempts:
            self._attempts.append(test)
            self._reported.clear()

    def listen(self) -> None:
        """Search the output that the test reads from `capsys` and similar fixtures, too."""
        for name in _CAPTURING:
            fixture = self._fixtures.get(name)
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
        """Mask tokens in a report, and fail it if what the test put out shows one."""
        masks = self._masks
        where: dict[str, list[str]] = {}
        for place, text in self._places(report):
            slugs = masks.slugs_in(text)
            if slugs and (place, text) not in self._reported:
                self._reported.add((place, text))
                where[place[:1].lower() + place[1:]] = slugs
        _mask(report, masks)
        self._mask_recorded(masks)
        if where:
            _fail(report, where)

    def inspect_warning(self, warning: warnings.WarningMessage) -> None:
        """Mask tokens in a warning."""
        masks, text = self._masks, str(warning.message)
        self._slugs_in_warnings.update(masks.slugs_in(text))
        masked = masks.text(text)
        if masked != text:
            warning.message = masked

    def mask_exit(self, end: Any) -> None:
        """Mask tokens in the reason of `pytest.exit`."""
        end.msg = self._masks.text(str(end.msg))
        end.args = (end.msg,)

    def report_of_warnings(self) -> pytest.TestReport | None:
        """Return a failure if a warning showed a token: pytest collects them after the test."""
        if not self._slugs_in_warnings:
            return None
        item = self._item
        report = pytest.TestReport(
            item.nodeid, item.location, dict.fromkeys(item.keywords, 1), "passed", None, "call"
        )
        _fail(report, {"warnings": sorted(self._slugs_in_warnings)})
        return report

    @property
    def _masks(self) -> Masks:
        of_run = self._attempts[-1].suite.handed_out if self._attempts else []
        return Masks([*of_run, *(pair for test in self._attempts for pair in test.handed_out)])

    @property
    def _fixtures(self) -> Mapping[str, Any]:
        return getattr(self._item, "funcargs", None) or {}

    def _places(self, report: pytest.TestReport) -> Iterator[tuple[str, str]]:
        """Yield each place where a test leaves texts in this phase, with its text."""
        for place, text in report.sections:
            phase = place.rpartition(" ")[2]
            if phase == report.when or phase not in _PHASES:
                yield place, text
        if report.when == "setup":  # the rest is there later, too
            return
        for name, texts in self._read.items():
            yield f"output read from {name}", "".join(texts)
        yield "recorded properties", _text_of(report.user_properties)
        for name, (attribute, place) in _RECORDING.items():
            yield place, _text_of(self._recorded(name, attribute))
        yield "name of the test", self.nodeid

    def _recorded(self, name: str, attribute: str) -> Any:
        recorder = getattr(self._fixtures.get(name), "__self__", None)
        return getattr(recorder, attribute, ())

    def _mask_recorded(self, masks: Masks) -> None:
        for name, (attribute, _) in _RECORDING.items():
            recorded = self._recorded(name, attribute)
            if isinstance(recorded, list):
                recorded[:] = masks.value(recorded)
            elif isinstance(recorded, dict):
                masked = masks.value(recorded)
                recorded.clear()
                recorded.update(masked)


class LeakReports:
    """A plugin that gives each report and warning of the current test to its search."""

    def __init__(self) -> None:
        self.current: Leaks | None = None

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Search a report that was made of others, such as that of a subtest."""
        if self.current is not None and self.current.nodeid == report.nodeid:
            self.current.inspect(report)

    @pytest.hookimpl(tryfirst=True)
    def pytest_warning_recorded(
        self, warning_message: warnings.WarningMessage, nodeid: str
    ) -> None:
        """Search a warning."""
        if self.current is not None and self.current.nodeid == nodeid:
            self.current.inspect_warning(warning_message)


def _text_of(values: Any) -> str:
    """Return all texts in a mapping, or in a list of pairs."""
    pairs = values.items() if isinstance(values, dict) else values
    return "\n".join(f"{name}\n{value}" for name, value in pairs)


def _mask(report: pytest.TestReport, masks: Masks) -> None:
    """Mask every text of a report."""
    report.user_properties = [
        (masks.text(str(name)), masks.text(str(value)) if masks.slugs_in(str(value)) else value)
        for name, value in report.user_properties
    ]
    for name, value in list(vars(report).items()):
        if name not in _IDENTITY:
            setattr(report, name, masks.value(value))
    if masks.slugs_in(str(report.longrepr)):  # an object with a text of its own
        report.longrepr = masks.text(str(report.longrepr))
    subtest = getattr(report, "context", None)
    for name in ("msg", "kwargs"):
        if hasattr(subtest, name):  # frozen, and of this report alone
            object.__setattr__(subtest, name, masks.value(getattr(subtest, name)))


def _fail(report: pytest.TestReport, where: Mapping[str, list[str]]) -> None:
    """Fail a report. The summary shows the first line of its error: the real one comes first."""
    found = "; ".join(f"{', '.join(slugs)} in the {place}" for place, slugs in where.items())
    message = f"vendo_leaks: the output contains a token: {found}."
    error: Any = report.longrepr
    crash = getattr(error, "reprcrash", None)
    if isinstance(error, tuple):  # pytest's form for a skipped test
        error = error[2]
    text = crash.message if crash is not None else str(error or "")
    first, newline, rest = text.partition("\n")
    if report.outcome != "failed":
        text = f"{message}\n{text}".rstrip()
    elif crash is not None:
        text = f"{first} ({message}){newline}{rest}"
    else:
        text = f"{text}\n{message}"
    if crash is not None:
        crash.message = text
        error.addsection("vendo_leaks", message)
    else:
        report.longrepr = text
    report.outcome = "failed"
    vars(report).pop("wasxfail", None)
