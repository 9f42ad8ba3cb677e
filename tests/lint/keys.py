#!/usr/bin/env python3
"""Refuses a text of host, SDK or plugins, or a page of the documents, that names a configuration key which does not exist."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "operators.md"
LITERAL = re.compile(r'"(?:[^"\\\n]|\\.)*"')
NOT_A_KEY = {".h", ".c", ".so", ".cfg", ".md", ".proto", ".lua", ".sql"}


def known_keys():
    return set(re.findall(r"^\| `([a-z_]+\.[a-z_]+)` \|", PAGE.read_text(), re.MULTILINE))


def unknown_keys(text, known):
    groups = "|".join(sorted({key.split(".")[0] for key in known}))
    for name in re.findall(rf"(?<![\w./-])(?:{groups})\.[a-z_]+\b(?![./(/*-])", text):
        if name not in known and Path(name).suffix not in NOT_A_KEY:
            yield name


def literals(text):
    """The C string literals of a text, neighbours joined as the compiler does; includes and the names of
    crash points left out."""
    lines = "\n".join(line for line in text.splitlines() if not re.match(r"\s*(#|crash_point\()", line))
    joined = re.sub(r'"\s*\n\s*"', "", lines)
    return "\n".join(LITERAL.findall(joined))


def main():
    known = known_keys()
    faults = [f"{file.relative_to(ROOT)}: {name} is no configuration key"
              for folder in ("host", "abi", "plugins") for file in sorted((ROOT / folder).rglob("*.[ch]"))
              for name in unknown_keys(literals(file.read_text()), known)]
    faults += [f"{file.relative_to(ROOT)}: {name} is no configuration key"
               for file in sorted((ROOT / "docs").rglob("*.md"))
               for name in unknown_keys("\n".join(re.findall(r"`[^`\n]+`", file.read_text())), known)]
    print("\n".join(faults), end="\n" if faults else "")
    return 1 if faults or not known else 0


if __name__ == "__main__":
    sys.exit(main())
