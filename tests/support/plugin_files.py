"""Plugin files made from built ones: a new version, another ABI, a missing interface, a broken copy."""

import shutil
import subprocess

import paths


def built(plugin, preset):
    return paths.build_dir(preset) / "plugins" / f"{plugin}.so"


def patched(source, target, old, new):
    """A copy in which the one text `old` of the manifest is `new`, of the same length."""
    assert len(old) == len(new), f"'{new}' must be as long as '{old}'"
    data = source.read_bytes()
    assert data.count(old.encode()) == 1, f"'{old}' must occur once in {source}"
    target.write_bytes(data.replace(old.encode(), new.encode()))
    target.chmod(0o755)
    return target


def manifest(source):
    """The lines of a plugin's manifest, read from the file with binutils."""
    dumped = subprocess.run(["objcopy", "--dump-section", ".note.atlas=/dev/stdout", str(source), "/dev/null"],
                            capture_output=True, check=True).stdout
    text = dumped[dumped.index(b"plugin "):]
    return text[:text.index(b"\0")].decode().splitlines()


def next_version(source, target):
    """The same plugin with its patch version one higher; returns (old, new) version."""
    line = next(one for one in manifest(source) if one.startswith("plugin "))
    version = line.split()[2]
    major, minor, patch = version.split(".")
    newer = f"{major}.{minor}.{int(patch) + 1}"
    patched(source, target, line + "\n", line.replace(version, newer) + "\n")
    return version, newer


def without_symbol(plugin, target):
    """A shared object with a manifest that names the plugin, but without the entry symbol."""
    source = f'#include "atlas/manifest.h"\nATLAS_PLUGIN_MANIFEST("{plugin}", "0.1.0", "");\n'
    subprocess.run(["gcc", "-std=c11", "-shared", "-fPIC", "-I", str(paths.ROOT / "abi"), "-x", "c", "-",
                    "-o", str(target)], input=source.encode(), check=True)
    return target


def truncated(source, target):
    shutil.copy(source, target)
    with open(target, "r+b") as file:
        file.truncate(target.stat().st_size // 2)
    return target
