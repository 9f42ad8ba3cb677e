#!/usr/bin/env bash
# The code of host, plugins and SDK is as clang-tidy with the repository's checks wants it. Needs the build `dev`:
# its list of commands, and what it generates.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

# Four files at a time; clang-tidy also counts what it does not show, which is kept to itself.
find host plugins abi/sdk -name '*.c' -print0 | sort -z |
    xargs -0 -P "$(nproc)" -n 4 bash -c '
        said=$(clang-tidy --quiet -p build/dev "$@" 2>&1) || { printf "%s\n" "$said"; exit 1; }' tidy
