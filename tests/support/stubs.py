"""Python messages and gRPC stubs from our protos, made by protoc and gRPC's own plugin."""

import subprocess
import sys
from pathlib import Path

import paths

_PROTO_DIRS = (paths.ROOT / "proto", paths.ROOT / "tests" / "plugin" / "echo")


def generate(folder):
    """Generates into folder and makes the packages importable (import atlas.order.v1.order_pb2)."""
    files = [str(file.relative_to(root)) for root in _PROTO_DIRS for file in sorted(root.rglob("*.proto"))]
    subprocess.run(["protoc", *(f"-I{root}" for root in _PROTO_DIRS), f"--python_out={folder}",
                    f"--grpc_python_out={folder}",
                    "--plugin=protoc-gen-grpc_python=/usr/bin/grpc_python_plugin", *files], check=True)
    _share_google_package(folder)
    sys.path.insert(0, str(folder))


def _share_google_package(folder):
    """google.protobuf is installed, google.api is generated: one package over both places."""
    import google
    google.__path__.append(str(Path(folder) / "google"))
