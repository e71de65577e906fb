#!/bin/sh
# Installs what building and testing need and a bare Debian or Ubuntu lacks. Where all of it is there already, on any system, it does
# nothing.
set -eu
cd "$(dirname "$0")/.."

has() { command -v "$1" >/dev/null; }
compiles() { echo 'int main(void) { return 0; }' | "$@" -x c - -o /dev/null 2>/dev/null; }

set --
compiles gcc || set -- "$@" gcc libc6-dev
has clang || set -- "$@" clang
has clang-format || set -- "$@" clang-format
has clang-tidy || set -- "$@" clang-tidy
has "${CHROMIUM:-chromium}" || set -- "$@" chromium
# Ubuntu has no such package, and its firefox is a snap: there the tests in Firefox are skipped unless somebody installed one.
! grep -qs '^ID=debian' /etc/os-release || has "${FIREFOX:-firefox-esr}" || has firefox || set -- "$@" firefox-esr
[ $# = 0 ] || c/toolchain.sh packages "$@"

# The sanitizers' run-time library is a package of its own, numbered like the compiler.
compiles clang -fsanitize=address,undefined ||
  c/toolchain.sh packages "libclang-rt-$(clang -dumpversion | cut -d . -f 1)-dev"
