#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# deps.sh on made-up systems: the package managers, sudo and id are stand-ins
# that keep the installed packages in a file.
# shellcheck disable=SC2016 # the stand-ins' code, not ours, expands variables
set -euo pipefail
# shellcheck source=tests/scripts/checks.sh
. "$(dirname "${BASH_SOURCE[0]}")/checks.sh"

deps=$project_dir/scripts/deps.sh
bin=$work_dir/bin
export INSTALLED="$work_dir/installed" CALLS="$work_dir/calls" USER_ID=0
export NPU_OS_RELEASE="$work_dir/os-release" PATH_WITH_TOOLS="$PATH"

# stand_in NAME: a program of that name whose body comes from stdin.  It calls
# the real tools, which deps.sh itself sees only by name (below).
stand_in ()
{
  { printf '#!%s\nPATH=$PATH_WITH_TOOLS\n' "$BASH"; cat; } >"$bin/$1"
  chmod +x "$bin/$1"
}

# system ID [ID_LIKE]: an empty machine of that distribution.
system ()
{
  echo
  echo "# ${3:-$1}"
  printf 'ID=%s\nID_LIKE="%s"\n' "$1" "${2:-}" >"$NPU_OS_RELEASE"
  rm -rf -- "$bin"
  mkdir "$bin"
  : >"$INSTALLED"
  : >"$CALLS"
  USER_ID=0
  local tool
  for tool in bash env dirname grep sed sort comm mktemp rm tail; do
    ln -s "$(command -v "$tool")" "$bin/$tool"
  done
  stand_in id <<<'echo "$USER_ID"'
  stand_in dpkg-query <<'S'
shift 3                         # -W -f FORMAT
for name; do
  grep -qx "$name" "$INSTALLED" && echo "install ok installed $name:amd64"
done
true
S
  stand_in apt-get <<'S'
echo "apt-get $*" >>"$CALLS"
[ "$DEBIAN_FRONTEND" = noninteractive ] || exit 1
case " $* " in *" install "*) printf '%s\n' "${@##-*}" >>"$INSTALLED" ;; esac
S
  stand_in apt-cache <<'S'
shift                           # policy
printf '%s:\n  Installed: (none)\n  Candidate: 1.0\n' "$1"
S
  stand_in rpm <<'S'
grep -qx "${@: -1}" "$INSTALLED"
S
  stand_in dnf <<'S'
echo "dnf $*" >>"$CALLS"
printf '%s\n' "$@" >>"$INSTALLED"
S
  stand_in pacman <<'S'
if [ "$1" = -T ]; then
  shift
  for name; do grep -qx "$name" "$INSTALLED" || { echo "$name"; missing=1; }; done
  exit "${missing:-0}"
fi
echo "pacman $*" >>"$CALLS"
printf '%s\n' "$@" >>"$INSTALLED"
S
}

run_deps ()
{
  local wanted=$1
  shift
  expect "$wanted" env PATH="$bin" "$BASH" "$deps" "$@"
}

# Packages to install on every family: what the build would miss at once.
for family in debian fedora arch; do
  expect 0 "$deps" --print --family "$family"
  check "$family: a list without doubles" [ "$(sort <<<"$out")" = "$(sort -u <<<"$out")" ]
  check "$family: meson is in it" grep -qx meson <<<"$out"
  check "$family: json-glib is in it" grep -q json-glib <<<"$out"
  check "$family: gdppay is in it" grep -Eq 'plugins-bad(-free)?$' <<<"$out"
  check "$family: numpy is in it" grep -q numpy <<<"$out"
done

for distribution in "debian" "ubuntu debian" "linuxmint ubuntu" "fedora" "arch" "manjaro arch"; do
  # shellcheck disable=SC2086 # two words on purpose
  system $distribution
  run_deps 0
  check "packages were installed" [ -s "$CALLS" ]
  run_deps 0 --print
  check "each of those listed" [ -z "$(sort <<<"$out" | comm -23 - <(sort "$INSTALLED"))" ]
  : >"$CALLS"
  run_deps 0
  check "nothing is done the second time" [ ! -s "$CALLS" ]
done

system debian "" "only what is missing is installed"
"$deps" --print --family debian | grep -vx valgrind >"$INSTALLED"
run_deps 0
check "one package" grep -q -- 'install valgrind$' "$CALLS"

system debian "" "a release without the optional packages"
stand_in apt-cache <<<'printf "%s:\n  Installed: (none)\n  Candidate: (none)\n" "$2"'
run_deps 0
check "the others are installed" grep -qx meson "$INSTALLED"
check "they are not asked for" [ -z "$(grep libxrt-dev "$CALLS")" ]
: >"$CALLS"
run_deps 0
check "nothing is done the second time" [ ! -s "$CALLS" ]

system debian "" "only the optional packages are missing"
"$deps" --print --family debian | grep -vx libxrt-dev >"$INSTALLED"
USER_ID=1000
run_deps 0
check "an ordinary user is not told of it" [ -z "$err" ]
check "nothing was tried" [ ! -s "$CALLS" ]
USER_ID=0
run_deps 0
check "root gets them" grep -q -- 'install libxrt-dev$' "$CALLS"

system debian "" "an ordinary user without sudo"
USER_ID=1000
run_deps 1
check "the message names root, sudo and the packages" contains "$err" "root or sudo"
check "the message names the packages" contains "$err" libgstreamer1.0-dev
check "nothing was tried" [ ! -s "$CALLS" ]
"$deps" --print --family debian >"$INSTALLED"
run_deps 0

system debian "" "an ordinary user with sudo"
USER_ID=1000
stand_in sudo <<'S'
echo "sudo $*" >>"$CALLS"
while [ "${1#-}" != "$1" ]; do shift; done
PATH=$(dirname "$0"):$PATH "$@"
S
run_deps 0
check "sudo ran apt-get" grep -q '^sudo .*apt-get' "$CALLS"

system debian "" "sudo wants a password, and there is no terminal"
USER_ID=1000
stand_in sudo <<<'exit 1'
run_deps 1
check "the message says what to run" contains "$err" "scripts/deps.sh"

system debian "" "a package manager that installs nothing"
stand_in apt-get <<<'true'
run_deps 1
check "the message names what is missing" contains "$err" "still missing"

system debian "" "a package manager that fails"
stand_in apt-get <<<'echo "disk full"; exit 100'
run_deps 1
check "its last words are shown" contains "$err" "disk full"

system gentoo "" "an unknown distribution"
run_deps 1
check "the message names the system" contains "$err" gentoo
check "the message lists packages" contains "$err" libgstreamer1.0-dev

echo
echo "# wrong usage"
expect 2 "$deps" --family beos
expect 2 "$deps" --nonsense
expect 0 "$deps" --help

finish
