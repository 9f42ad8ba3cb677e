"""An installed Atlas, and plugins built against it in trees of their own."""

import shutil
import subprocess

import paths


def run(argv, **options):
    done = subprocess.run([str(word) for word in argv], text=True, capture_output=True, check=False, timeout=300,
                          **options)
    assert done.returncode == 0, f"{argv}:\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def install(preset, folder):
    """Installs below DESTDIR, as a package is made, and moves the tree elsewhere; returns where it is."""
    run(["cmake", "--install", paths.build_dir(preset), "--prefix", "/opt/atlas"],
        env={"DESTDIR": str(folder / "dest"), "PATH": "/usr/bin:/bin"})
    return (folder / "dest" / "opt" / "atlas").rename(folder / "atlas")


def copy_example(name, folder, replacements):
    """A copy of examples/<name> in which each text of replacements stands for another."""
    folder.mkdir(exist_ok=True)
    copy = shutil.copytree(paths.ROOT / "examples" / name, folder / name)
    for file in copy.iterdir():
        text = file.read_text()
        for old, new in replacements.items():
            text = text.replace(old, new)
        file.write_text(text)
    return copy


def build(source, prefix):
    """Configures, builds and tests a tree against the installed Atlas."""
    run(["cmake", "-G", "Ninja", "-B", "build", f"-DCMAKE_PREFIX_PATH={prefix}"], cwd=source)
    run(["cmake", "--build", "build", "-j2"], cwd=source)
    return run(["ctest", "--test-dir", "build", "--output-on-failure"], cwd=source)
