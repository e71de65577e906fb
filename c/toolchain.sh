#!/bin/sh
# Finds or installs the tools that padless is built and tested with.
#
#   toolchain.sh emcc FILE         writes to FILE a script that runs emcc: the first of
#                                    $EMCC                    as it is
#                                    emcc on PATH             if it is new enough
#                                    the system's package     if apt's candidate is new enough (as root)
#                                    Debian 13's package      in its own Debian system in ~/.cache/padless (as root, with apt; once)
#   toolchain.sh browsers FOLDER   writes to FOLDER scripts that run Debian 13's chromium-headless-shell and firefox-esr, which also
#                                  get their own Debian system: for Ubuntu, whose browsers are snaps
#   toolchain.sh packages NAME...  installs those Debian packages that are missing (as root)
#
# A Debian system in the cache is built under a temporary name and a lock, and renamed when its programs have run. So an interrupted
# download never looks finished, and two makes at the same time build only one system.
set -eu

needed=3.1.69 # has LLVM 19; older ones have no usable relaxed SIMD
suite=trixie  # the first Debian whose emscripten is that new
browsers='chromium-headless-shell firefox-esr'
cache=${XDG_CACHE_HOME:-$HOME/.cache}/padless
emcc_hint="install Emscripten $needed or newer (https://emscripten.org/docs/getting_started/downloads.html), then put its emcc on PATH or name it in EMCC"
browsers_hint="install Chrome or Chromium, not as a snap, then name it in CHROMIUM; a Firefox named in FIREFOX is optional"

say() { echo "padless: $*" >&2; }
fail() { say "$*" && exit 1; }
has() { command -v "$1" >/dev/null; }
is_root() { [ "$(id -u)" = 0 ]; }
quote() { printf "'%s'" "$(printf %s "$1" | sed "s/'/'\\\\''/g")"; }

# need_apt HINT: fails unless this user can install packages with apt.
need_apt() {
  has apt-get || fail "$1"
  is_root || fail "run make as root to install what is missing, or $1"
}

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

# ---- Debian systems in the cache -----------------------------------------------------------------------------------------------------

# Prints the mirror of this machine's Debian, or on Ubuntu Debian's own. apt-get reads its sources in either format.
debian_mirror() {
  # shellcheck disable=SC2016 # apt's own variables
  {
    apt-get indextargets --format '$(LABEL) $(REPO_URI)' 'Created-By: Packages' | sed -n 's/^Debian \(https\{0,1\}:\)/\1/p'
    echo http://deb.debian.org/debian
  } | head -n 1
}

# The scripts below get the folder of a Debian system as $0. They mount in a namespace of their own, so the mounts disappear when the
# command ends, however that ends.
check_folder='[ -d "$0" ] || { echo "padless: $0 does not exist any more; run: make clean, then make" >&2 && exit 1; }'
# Runs a command in the Debian system, with the working directory mounted at /src.
# shellcheck disable=SC2016 # expanded when it runs
run_inside="$check_folder"'
mount --bind . "$0/src" && exec chroot "$0" /usr/bin/env -i --chdir=/src HOME=/root PATH=/usr/bin:/bin LC_ALL=C.UTF-8 "$@"'
# Runs a program of the Debian system on the files of this machine: a browser finds its profile and uploads at their paths.
# shellcheck disable=SC2016
run_outside="$check_folder"'
mount --bind "$0/etc" /etc && mount --bind "$0/usr" /usr && exec "$@"'
in_namespace() { unshare --mount --propagation private "$@"; }

# new_debian FOLDER OPTION...
new_debian() {
  folder=$1
  shift
  in_namespace debootstrap --force-check-gpg --variant=minbase "$@" "$suite" "$folder" "$(debian_mirror)"
}

# Linking a program fills Emscripten's cache of system libraries.
build_emcc() {
  new_debian "$1" --include=emscripten &&
    mkdir "$1/src" && cd "$1/tmp" &&
    echo 'int one(void) { return 1; }' >one.c &&
    in_namespace sh -c "$run_inside" "$1" emcc -O3 --no-entry -sSTANDALONE_WASM -sEXPORTED_FUNCTIONS=_one one.c -o one.wasm &&
    cd - && rm -rf "$1/tmp/one".*
}

# apt_get_in FOLDER ARGUMENT...: with paths that exist in the Debian system, whatever PATH and TMPDIR are outside of it.
apt_get_in() {
  folder=$1
  shift
  chroot "$folder" /usr/bin/env -u TMPDIR PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive apt-get "$@"
}

# debootstrap --include cannot install the browsers: it knows no alternative dependencies. apt-get does.
build_browsers() {
  new_debian "$1" &&
    apt_get_in "$1" update &&
    # shellcheck disable=SC2086 # each word is a package
    apt_get_in "$1" -y --no-install-recommends install $browsers &&
    for name in $browsers; do in_namespace sh -c "$run_outside" "$1" "$name" --version || return; done
}

# get_root FOLDER WHAT BUILD: BUILD is the function that builds the system and runs its programs for the first time.
get_root() {
  [ ! -d "$1" ] || return 0 # another make built it while this one waited
  log=$cache/debootstrap.log
  say "installing $2 of Debian $suite in $1: a minute or two, only once (progress: $log)"
  rm -rf --one-file-system "$1.partial"
  "$3" "$1.partial" >"$log" 2>&1 && rm -rf "$1.partial/var/cache/apt/archives" && mv "$1.partial" "$1" && return
  tail -n 5 "$log" >&2
  ! grep -q 'unknown key' "$log" ||
    say "this system's debian-archive-keyring is too old; install the one of https://packages.debian.org/$suite/debian-archive-keyring, then run make again"
  rm -rf --one-file-system "$1.partial"
  return 1
}

# need_root FOLDER WHAT BUILD HINT: builds a Debian system if it is missing.
need_root() {
  [ ! -d "$1" ] || return 0
  in_namespace mount --bind / / 2>/dev/null || fail "a Debian system with $2 needs mount, which this container does not allow: $4"
  packages debootstrap debian-archive-keyring
  locked root get_root "$1" "$2" "$3" || fail "could not install Debian $suite: $4"
}

# write_script FILE LINE
write_script() {
  mkdir -p "$(dirname "$1")"
  printf '#!/bin/sh\n%s\n' "$2" >"$1.new"
  chmod +x "$1.new"
  mv "$1.new" "$1"
}

# ---- emcc --------------------------------------------------------------------------------------------------------------------------

version_in() { grep -Eo '[0-9]+\.[0-9]+\.[0-9]+' | head -n 1; }
new_enough() { [ -n "$1" ] && [ "$(printf '%s\n' "$needed" "$1" | sort -V | head -n 1)" = "$needed" ]; }

# Prints the version of emscripten that apt would install.
apt_candidate() { apt-cache policy emscripten | sed -n 's/^ *Candidate: //p' | version_in; }

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
  need_apt "$emcc_hint"
  root=$cache/debian-$suite
  if [ ! -d "$root" ]; then
    [ -n "$(apt_candidate)" ] || locked apt apt-get -qq update || true
    if new_enough "$(apt_candidate)"; then
      packages emscripten
      echo 'exec /usr/bin/emcc "$@"'
      return
    fi
    need_root "$root" "Emscripten (3 GB)" build_emcc "$emcc_hint"
  fi
  echo "exec unshare --mount --propagation private sh -c $(quote "$run_inside") $(quote "$root") emcc \"\$@\""
}

emcc_script() {
  body=$(find_emcc)
  write_script "$1" "$body"
}

# ---- Browsers ----------------------------------------------------------------------------------------------------------------------

browser_scripts() {
  need_apt "$browsers_hint"
  root=$cache/debian-$suite-browsers
  need_root "$root" "Chromium and Firefox (1.3 GB)" build_browsers "$browsers_hint"
  for name in $browsers; do
    write_script "$1/$name" "exec unshare --mount --propagation private sh -c $(quote "$run_outside") $(quote "$root") $name \"\$@\""
  done
}

case ${1:-} in
  emcc) emcc_script "$2" ;;
  browsers) browser_scripts "$2" ;;
  packages) shift && packages "$@" ;;
  *) sed -n '2,11s/^# \{0,1\}//p' "$0" >&2 && exit 2 ;;
esac
