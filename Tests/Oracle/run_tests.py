"""Runs the test modules of a folder, counts, and leaves the results in JUnit form (see `run`)."""

import argparse
import os
import pathlib
import signal
import sys
import time
import unittest
import xml.etree.ElementTree as ElementTree

HERE = pathlib.Path(__file__).resolve().parent
BUILD = HERE.parent.parent / ".build"


def main():
    parser = argparse.ArgumentParser(prog="run")
    parser.add_argument("--folder", type=pathlib.Path, default=HERE)
    parser.add_argument("--binary", default=os.environ.get("REKKORD_BINARY", BUILD / "debug" / "rekkord"))
    parser.add_argument("--results", type=pathlib.Path, default=BUILD / "test-results", metavar="FOLDER")
    parser.add_argument("--without", action="append", default=[], metavar="MODULE[.CLASS[.TEST]]")
    parser.add_argument("tests", nargs="*", metavar="MODULE[.CLASS[.TEST]]")
    arguments = parser.parse_args()
    # In the background a shell has its commands ignore these, and all that the tests start would as well.
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    os.environ["REKKORD_BINARY"] = os.path.abspath(arguments.binary)

    folder = arguments.folder.resolve()
    sys.path[:0] = [str(folder), str(HERE)]
    loader = unittest.TestLoader()
    if arguments.tests:
        suite = loader.loadTestsFromNames(arguments.tests)
    else:
        suite = loader.discover(str(folder), top_level_dir=str(folder))
    suite = without(suite, arguments.without)
    result = unittest.TextTestRunner(resultclass=RecordingResult, verbosity=2).run(suite)
    if arguments.results.is_dir():
        write_results(result, folder.name, arguments.results / f"{folder.name.lower()}.xml")
    failed = len(result.failures) + len(result.errors) + len(result.unexpectedSuccesses)
    print(f"{folder.name.lower()}: {result.testsRun - failed - len(result.skipped)} passed, {failed} failed, "
          f"{len(result.skipped)} skipped")  # fmt: skip
    return 1 if failed or not result.testsRun else 0


def without(suite, names):
    """The tests of a suite but those that are named, or belong to what is named."""
    kept = [
        without(test, names) if isinstance(test, unittest.TestSuite) else test
        for test in suite
        if isinstance(test, unittest.TestSuite) or not any(f"{test.id()}.".startswith(f"{name}.") for name in names)
    ]
    return unittest.TestSuite(kept)


class RecordingResult(unittest.TextTestResult):
    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.times = {}
        self._started = 0.0

    def startTest(self, test):
        super().startTest(test)
        self._started = time.monotonic()

    def stopTest(self, test):
        super().stopTest(test)
        self.times[test.id()] = time.monotonic() - self._started


def write_results(result, suite, path):
    root = ElementTree.Element("testsuite", name=suite)
    cases = {name: _case(root, suite, name, seconds) for name, seconds in result.times.items()}
    for kind, outcomes in (
        ("failure", result.failures + result.errors),
        ("skipped", result.skipped),
    ):
        for test, text in outcomes:
            # A failed subtest counts for its test; a failed fixture of a class has no test of its own.
            name = getattr(test, "test_case", test).id()
            case = cases.get(name)
            if case is None:
                case = cases[name] = _case(root, suite, name, 0)
            if case.find(kind) is None:
                ElementTree.SubElement(case, kind, message=text.strip().splitlines()[-1]).text = text
    ElementTree.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def _case(root, suite, name, seconds):
    group, _, test = name.rpartition(".")
    return ElementTree.SubElement(
        root, "testcase", classname=f"IntegrationTests.{suite}.{group}", name=test, time=f"{seconds:.3f}"
    )


if __name__ == "__main__":
    sys.exit(main())
