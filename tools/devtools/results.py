"""Counting what tests say of themselves: JUnit files of ctest and pytest, and single checks."""

import xml.etree.ElementTree as xml
from dataclasses import dataclass, field


@dataclass
class Results:
    passed: int = 0
    skipped: int = 0
    failed: list = field(default_factory=list)  # names

    def add(self, name, is_passed):
        if is_passed:
            self.passed += 1
        else:
            self.failed.append(name)

    def add_junit(self, suite, file):
        """Adds every test case of a JUnit file; a file that is missing or empty is a failure."""
        try:
            cases = list(xml.parse(file).getroot().iter("testcase"))
        except (OSError, xml.ParseError):
            cases = []
        if not cases:
            self.failed.append(f"{suite}: no results in {file}")
        for case in cases:
            name = f"{suite}: {case.get('classname', '')}.{case.get('name')}"
            if case.find("skipped") is not None:
                self.skipped += 1
                print(f"skipped {name}: {case.find('skipped').get('message', '')}")
            else:
                is_failed = any(case.find(tag) is not None for tag in ("failure", "error"))
                self.add(name, not is_failed)

    def print_summary(self):
        for name in self.failed:
            print(f"FAILED {name}")
        if self.skipped:
            print(f"{self.skipped} skipped")
        print(f"{self.passed} passed, {len(self.failed)} failed", flush=True)
