#!/bin/sh
# Finds or installs the tools that padless is built with.
#
#   toolchain.sh emcc FILE         writes to FILE a script that runs emcc: the first of
#                                    $EMCC                    as it is
#                                    emcc on PATH             if it is new enough
#                                    the system's package     if apt's candidate is new enough (as root)
#                                    Debian 13's package      in its own Debian system in ~/.cache/padless (as root, on Debian; once)
#   toolchain.sh packages NAME...  installs those Debian packages that are missing (as root)
#
# The Debian system in the cache is built under a temporary name and a lock, and renamed when its emcc has linked a program. So an
# interrupted download never looks finished, and two makes at the same time build only one system.
set -eu

needed=3.1.69 # has LLVM 19; older ones have no usable relaxed SIMD
suite=trixie  # the first Debian whose emscripten is that new
cache=${XDG_CACHE_HOME:-$HOME/.cache}/padless
hint="install Emscripten $needed or newer (https://emscripten.org/docs/getting_started/downloads.html), then put its emcc on PATH or name it in EMCC"

say() { echo "padless: $*" >&2; }
fail() { say "$*" && exit 1; }
has() { command -v "$1" >/dev/null; }
is_root() { [ "$(id -u)" = 0 ]; }
quote() { printf "'%s'" "$(printf %s "$1" | sed "s/'/'\\\\''/g")"; }

# locked NAME COMMAND...: runs COMMAND under the lock NAME. Its child processes hold the lock, too: if make is killed, the next make
# waits until they have ended.
locked() {
  mkdir -p "$cache"
  lock=$cache/$1.lock
  shift
  (flock 9 && "$@") 9>"$lock"
}

# ---- Debian packages ---------------------------------------------------------------------------------------------------------------

missing_packages() {
  for package; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q ' installed$' || echo "$package"
  done
}

apt_install() {
  log=$cache/apt.log
  set -- apt-get -qq -y --no-install-recommends -o DPkg::Lock::Timeout=600 install "$@"
  # Package lists may be missing or outdated: fetch new ones, then try once more.
  DEBIAN_FRONTEND=noninteractive "$@" >"$log" 2>&1 && return
  { apt-get -qq update && DEBIAN_FRONTEND=noninteractive "$@"; } >"$log" 2>&1 && return
  tail -n 5 "$log" >&2
  return 1
}

packages() {
  missing=$(missing_packages "$@" | tr '\n' ' ')
  [ -n "$missing" ] || return 0
  is_root || fail "these packages are missing; run: sudo apt-get install --no-install-recommends $missing"
  say "installing $missing"
  # shellcheck disable=SC2086 # each word is a package
  locked apt apt_install $missing || fail "apt-get could not install $missing(see above)"
}

# ---- emcc --------------------------------------------------------------------------------------------------------------------------

version_in() { grep -Eo '[0-9]+\.[0-9]+\.[0-9]+' | head -n 1; }
new_enough() { [ -n "$1" ] && [ "$(printf '%s\n' "$needed" "$1" | sort -V | head -n 1)" = "$needed" ]; }

# Prints the version of emscripten that apt would install.
apt_candidate() { apt-cache policy emscripten | sed -n 's/^ *Candidate: //p' | version_in; }

# Prints the mirror of this machine's Debian. apt-get reads its sources in either format.
debian_mirror() {
  # shellcheck disable=SC2016 # apt's own variables
  apt-get indextargets --format '$(LABEL) $(REPO_URI)' 'Created-By: Packages' | sed -n 's/^Debian \(https\{0,1\}:\)/\1/p' | head -n 1
}

# Runs a command in the Debian system at $0, with the working directory mounted at /src. The mount has its own namespace, so it
# disappears when the command ends, however that ends.
# shellcheck disable=SC2016 # expanded when it runs
run_in_root='[ -d "$0/src" ] || { echo "padless: $0 does not exist any more; run: make clean, then make" >&2 && exit 1; }
mount --bind . "$0/src" && exec chroot "$0" /usr/bin/env -i --chdir=/src HOME=/root PATH=/usr/bin:/bin LC_ALL=C.UTF-8 "$@"'
in_namespace() { unshare --mount --propagation private "$@"; }

# Installs Debian with emscripten at $1 from the mirror $2. Linking a program fills Emscripten's cache of system libraries.
build_root() {
  rm -rf --one-file-system "$1"
  in_namespace debootstrap --variant=minbase --include=emscripten "$suite" "$1" "$2" &&
    mkdir "$1/src" && cd "$1/tmp" &&
    echo 'int one(void) { return 1; }' >one.c &&
    in_namespace sh -c "$run_in_root" "$1" emcc -O3 --no-entry -sSTANDALONE_WASM -sEXPORTED_FUNCTIONS=_one one.c -o one.wasm &&
    cd - && rm -rf "$1/tmp/one".* "$1/var/cache/apt/archives"
}

get_root() {
  [ ! -d "$1" ] || return 0 # another make built it while this one waited
  log=$cache/debootstrap.log
  say "installing Emscripten from Debian $suite in $1: 3 GB, a minute or two, only once (progress: $log)"
  build_root "$1.partial" "$2" >"$log" 2>&1 && mv "$1.partial" "$1" && return
  tail -n 5 "$log" >&2
  rm -rf --one-file-system "$1.partial"
  return 1
}

# Prints the body of the script that runs emcc.
find_emcc() {
  if [ -n "${EMCC:-}" ]; then
    echo "exec $EMCC \"\$@\""
    return
  fi
  if has emcc; then
    version=$(emcc --version 2>/dev/null | version_in)
    if new_enough "$version"; then
      echo "exec $(quote "$(command -v emcc)") \"\$@\""
      return
    fi
    say "emcc on PATH has version ${version:-unknown}, expected $needed or newer; looking for another one"
  fi
  { is_root && has apt-get; } || fail "$hint"
  root=$cache/debian-$suite
  if [ ! -d "$root" ]; then
    [ -n "$(apt_candidate)" ] || locked apt apt-get -qq update || true
    if new_enough "$(apt_candidate)"; then
      packages emscripten
      echo 'exec /usr/bin/emcc "$@"'
      return
    fi
    mirror=$(debian_mirror)
    [ -n "$mirror" ] || fail "$hint"
    in_namespace true 2>/dev/null || fail "the emcc of Debian $suite needs mount, which this container does not allow: $hint"
    packages debootstrap
    locked root get_root "$root" "$mirror" || fail "could not install Debian $suite: $hint"
  fi
  echo "exec unshare --mount --propagation private sh -c $(quote "$run_in_root") $(quote "$root") emcc \"\$@\""
}

emcc_script() {
  body=$(find_emcc)
  mkdir -p "$(dirname "$1")"
  printf '#!/bin/sh\n%s\n' "$body" >"$1.new"
  chmod +x "$1.new"
  mv "$1.new" "$1"
}

case ${1:-} in
  emcc) emcc_script "$2" ;;
  packages) shift && packages "$@" ;;
  *) sed -n '2,9s/^# \{0,1\}//p' "$0" >&2 && exit 2 ;;
esac
