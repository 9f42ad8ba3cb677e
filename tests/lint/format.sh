#!/usr/bin/env bash
# Every C and C++ file is as clang-format with the repository's rules leaves it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
mapfile -t files < <(find abi host plugins tests bench examples \( -name '*.[ch]' -o -name '*.cc' \) 2>/dev/null | sort)
((${#files[@]} == 0)) || clang-format --dry-run --Werror "${files[@]}"
