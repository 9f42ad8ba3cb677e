#!/usr/bin/env bash
# The code of host, plugins and SDK is as clang-tidy with the repository's checks wants it. Needs the build `dev`:
# its list of commands, and what it generates.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
find host plugins abi/sdk -name '*.c' -print0 | sort -z |
    xargs -0 -P "$(nproc)" -n 4 clang-tidy --quiet -p build/dev 2> >(grep -v 'warnings\? generated' >&2)
