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


def without_symbol(source, target):
    """A shared object without the entry symbol, with the manifest of a real plugin."""
    note = target.with_suffix(".note")
    subprocess.run(["objcopy", "--dump-section", f".note.atlas={note}", str(source), "/dev/null"], check=True)
    bare = target.with_suffix(".bare.so")
    subprocess.run(["gcc", "-shared", "-fPIC", "-x", "c", "-", "-o", str(bare)],
                   input=b"int nothing_here(void);\nint nothing_here(void) { return 0; }\n", check=True)
    subprocess.run(["objcopy", "--add-section", f".note.atlas={note}", "--set-section-flags",
                    ".note.atlas=alloc,readonly,contents", str(bare), str(target)],
                   check=True, capture_output=True)
    return target


def truncated(source, target):
    shutil.copy(source, target)
    with open(target, "r+b") as file:
        file.truncate(target.stat().st_size // 2)
    return target
