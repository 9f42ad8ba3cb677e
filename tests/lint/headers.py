#!/usr/bin/env python3
"""Compiles every header of the host and the ABI alone as C, those of the ABI and the SDK as C++ too."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LIBRARIES = ("libevent", "libnghttp2", "libprotobuf-c", "rdkafka", "hiredis", "libpq", "libconfig",
             "jansson")
INCLUDES = [f"-I{ROOT / folder}" for folder in ("host", "abi", "abi/sdk/include")]
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-D_GNU_SOURCE", "-fsyntax-only"]


def compilations():
    """(compiler arguments, header) for each header and language."""
    flags = subprocess.run(["pkg-config", "--cflags", *LIBRARIES], text=True, check=True,
                           capture_output=True).stdout.split()
    c = ["gcc", "-std=c11", "-x", "c", *WARNINGS, *INCLUDES, *flags]
    cpp = ["g++", "-std=c++17", "-x", "c++", *WARNINGS, "-Wno-missing-field-initializers", *INCLUDES]
    for folder in ("host", "abi"):
        for header in sorted((ROOT / folder).rglob("*.h")):
            yield c, header
            if any(header.is_relative_to(ROOT / part) for part in ("abi/atlas", "abi/sdk/include")):
                yield cpp, header


def compile_alone(task):
    argv, header = task
    program = f'#include "{header}"\ntypedef int a_file_is_not_empty;\n'
    done = subprocess.run([*argv, "-"], input=program, text=True, capture_output=True, check=False)
    return done.returncode, f"{header.relative_to(ROOT)} as {argv[2]}:\n{done.stderr}"


def main():
    with ThreadPoolExecutor(os.cpu_count()) as workers:
        results = list(workers.map(compile_alone, compilations()))
    failures = [text for status, text in results if status != 0]
    print("\n".join(failures), end="")
    return 1 if failures or not results else 0


if __name__ == "__main__":
    sys.exit(main())
