#!/bin/sh
# Installs the tools that building and testing need, where they are missing on Debian or Ubuntu. On a system that has them all it does
# nothing.
set -eu
cd "$(dirname "$0")/.."

has() { command -v "$1" >/dev/null; }
on_debian() { grep -qs '^ID=debian' /etc/os-release; }
compiles() { echo 'int main(void) { return 0; }' | "$@" -x c - -o /dev/null 2>/dev/null; }

set --
compiles gcc || set -- "$@" gcc libc6-dev
has clang || set -- "$@" clang
has clang-format || set -- "$@" clang-format
has clang-tidy || set -- "$@" clang-tidy
if on_debian; then
  has "${CHROMIUM:-chromium-headless-shell}" || set -- "$@" chromium-headless-shell
  has "${FIREFOX:-firefox-esr}" || has firefox || set -- "$@" firefox-esr
fi
[ $# = 0 ] || c/toolchain.sh packages "$@"

# Elsewhere, tests take what is installed, but not snaps, which cannot read profiles in /tmp. Ubuntu packages browsers only as snaps.
on_debian || has "${CHROMIUM:-/usr/bin/chromium}" || has chromium-headless-shell || c/toolchain.sh browsers build/browsers

# The sanitizers' run-time library is a separate package, whose name has clang's major version.
compiles clang -fsanitize=address,undefined ||
  c/toolchain.sh packages "libclang-rt-$(clang -dumpversion | cut -d . -f 1)-dev"
