"""Plugins named echo with one defect each: made from the built echo.so byte by byte, or compiled from a few lines."""

import subprocess

import paths
import plugin_files

_FRAME = """#include "atlas/sdk.h"
ATLAS_PLUGIN_MANIFEST("{plugin}", "1.0.0", "{lines}");
{code}
static const struct atlas_plugin plugin = {{.size = sizeof plugin, {members}}};
ATLAS_PLUGIN_DEFINE(plugin);
"""
# A plugin's check that calls a function, so that the symbol is there.
_CALLING = """{declaration}
static atlas_status_t ask(const struct atlas_config *config, char *text, size_t size)
{{
    (void)config, (void)text, (void)size;
    return {call};
}}
"""


def compiled(target, lines="", code="", members=".flags = 0", flags=(), plugin="echo"):
    """A plugin with those manifest lines, code and members of its table."""
    source = _FRAME.format(lines=lines.replace("\n", "\\n"), code=code, members=members, plugin=plugin)
    subprocess.run(["gcc", "-std=c11", "-shared", "-fPIC", "-fno-builtin", "-fvisibility=hidden",
                    f"-I{paths.ROOT}/abi", f"-I{paths.ROOT}/abi/sdk/include",
                    f"-Wl,--version-script={paths.ROOT}/abi/sdk/plugin.map", "-o", str(target), "-x", "c", "-",
                    "-x", "none", *map(str, flags)], input=source.encode(), check=True)
    return target


def calling(target, declaration, call, flags=()):
    """A plugin that calls a function which it only declares."""
    return compiled(target, code=_CALLING.format(declaration=declaration, call=call), members=".check = ask",
                    flags=flags)


def with_byte(preset, target, offset, value):
    """The built echo.so with one byte of its ELF header changed."""
    data = bytearray(plugin_files.built("echo", preset).read_bytes())
    data[offset] = value
    target.write_bytes(data)
    return target


def needing_a_lost_library(target):
    """Linked to a library that is removed afterwards."""
    library = target.with_name("liblost.so.1")
    subprocess.run(["gcc", "-shared", "-fPIC", "-Wl,-soname,liblost.so.1", "-o", str(library), "-x", "c", "-"],
                   input=b"int lost(void) { return 0; }", check=True)
    calling(target, "int lost(void);", "lost()", flags=[library])
    library.unlink()
    return target


def executable(target):
    subprocess.run(["gcc", "-no-pie", "-o", str(target), "-x", "c", "-"], input=b"int main(void) { return 0; }",
                   check=True)
    return target
