#!/usr/bin/env python3
"""Refuses an #include that points upwards: main -> inbound -> services -> runtime -> base; within
runtime, reload -> runtime -> loader, and of reload only main knows.

The ABI includes only the three freestanding headers and itself, its SDK also a little libc; a plugin
includes the SDK, generated code, its own files and libc.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PLUGINS = ROOT / "plugins"
LAYERS = ("base", "runtime/loader", "runtime", "services", "inbound")
RELOAD = "runtime/reload"
ABI_SYSTEM = {"stdint.h", "stddef.h", "stdbool.h"}
SDK_SYSTEM = ABI_SYSTEM | {"stdarg.h", "stdio.h", "stdlib.h", "string.h"}
LIBC = SDK_SYSTEM | {"assert.h", "ctype.h", "errno.h", "float.h", "inttypes.h", "limits.h", "math.h",
                     "time.h", "protobuf-c/protobuf-c.h"}
INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]')


def includes(file):
    for number, text in enumerate(file.read_text().splitlines(), 1):
        match = INCLUDE.match(text)
        if match:
            yield number, match.group(1) == "<", match.group(2)


def layer_of(path):
    """The innermost layer of a path below host/, None for the program above them."""
    for folder in path.parents:
        if str(folder) in (*LAYERS, RELOAD):
            return str(folder)
    return None


def host_fault(file, is_system, name):
    layer, target = layer_of(file.relative_to(ROOT / "host")), layer_of(Path(name))
    if is_system or layer is None or target is None or layer == target:
        return None
    if target == RELOAD:
        return f"only main uses {RELOAD}"
    if LAYERS.index(target) > LAYERS.index("runtime" if layer == RELOAD else layer):
        return f"{layer} lies below {target}"
    return None


def abi_fault(_file, is_system, name):
    if (name not in ABI_SYSTEM) if is_system else not name.startswith("atlas/"):
        return "the ABI includes only its own headers, stdint.h, stddef.h and stdbool.h"
    return None


def sdk_fault(_file, is_system, name):
    if is_system and name not in LIBC:
        return "the SDK includes only the ABI, libc and protobuf-c"
    return None


def plugin_fault(file, is_system, name):
    if is_system:
        return None if name in LIBC else "a plugin includes no system or library header beyond libc"
    folders = (file.parent, PLUGINS / file.relative_to(PLUGINS).parts[0], PLUGINS)
    is_own = any((folder / name).exists() for folder in folders)
    if is_own or name.startswith("atlas/") or name.endswith((".pb-c.h", ".atlas.h", "_migrations.h", "_scripts.h")):
        return None
    return "a plugin includes only atlas/*, generated headers and files of plugins/"


RULES = (("host", host_fault), ("abi/atlas", abi_fault), ("abi/sdk/include", sdk_fault),
         ("plugins", plugin_fault))


def main():
    faults = 0
    for folder, rule in RULES:
        for file in sorted((ROOT / folder).rglob("*.[ch]")):
            for number, is_system, name in includes(file):
                fault = rule(file, is_system, name)
                if fault:
                    print(f"{file.relative_to(ROOT)}:{number}: includes {name}: {fault}")
                    faults += 1
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
