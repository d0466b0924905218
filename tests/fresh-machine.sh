#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# fresh-machine.sh: do the README's two commands work where nothing is
# installed?  For root, and for an ordinary user with sudo, it makes a minimal
# Debian in a folder, clones the last commit there, and runs scripts/demo.sh and
# scripts/test.sh.
#
# Not part of test.sh: it needs root, debootstrap and a package mirror, and
# downloads some hundred megabytes.  What it mounts lives in a mount namespace
# of its own and is gone when it ends, however it ends.
set -euo pipefail

usage="Usage: tests/fresh-machine.sh [--suite NAME] [--as root|user] [--keep]

  --suite  the Debian release to make (default bookworm)
  --as     only as root, or only as an ordinary user
  --keep   leave the folders behind

The packages come from where this machine's own come from."

project_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

say ()
{
  printf '\n==> %s\n' "$*"
}

die ()
{
  printf 'fresh-machine.sh: %s\n' "$*" >&2
  exit 1
}

# "URI RELEASE" of each place that this machine's Debian packages come from,
# the release itself before its updates.
package_sources ()
{
  # shellcheck disable=SC2016 # apt-get's variables
  apt-get indextargets --format '$(ORIGIN) $(CODENAME) $(REPO_URI)' 'Created-By: Packages' |
    LC_ALL=C sort -u | sed -n 's/^Debian \([^ ]*\) \(.*\)$/\2 \1/p'
}

# Makes the system that every machine is a copy of, in $work/base.
make_base ()
{
  local mirror host_suite uri release
  read -r mirror host_suite < <(package_sources) || die "this machine has no Debian packages to begin from"
  say "A minimal $suite"
  debootstrap --variant=minbase "$suite" "$work/base" "$mirror" >"$work/log" 2>&1 || {
    tail -n 20 "$work/log" >&2
    die "debootstrap failed"
  }
  package_sources | while read -r uri release; do
    echo "deb $uri ${release/#"$host_suite"/"$suite"} main"
  done >"$work/base/etc/apt/sources.list"
  cp -L /etc/resolv.conf "$work/base/etc/resolv.conf"
  echo "127.0.0.1 localhost $(uname -n)" >"$work/base/etc/hosts"
  # No service is to be started in there.
  printf '#!/bin/sh\nexit 101\n' >"$work/base/usr/sbin/policy-rc.d"
  chmod +x "$work/base/usr/sbin/policy-rc.d"
}

# mount_system DIR: what a running system has in /proc and /dev, and nothing of
# this machine's disks.  In the mount namespace only.
mount_system ()
{
  local node
  mount -t proc proc "$1/proc"
  mount -t tmpfs -o mode=755 tmpfs "$1/dev"
  for node in null zero full random urandom tty; do
    : >"$1/dev/$node"
    mount --bind "/dev/$node" "$1/dev/$node"
  done
  mkdir "$1/dev/shm" "$1/dev/pts"
  mount -t tmpfs -o mode=1777 tmpfs "$1/dev/shm"
  mount -t devpts -o newinstance,ptmxmode=666 devpts "$1/dev/pts"
  ln -s pts/ptmx "$1/dev/ptmx"
  ln -s /proc/self/fd "$1/dev/fd"
  mount --bind "$work/packages" "$1/var/cache/apt/archives"
}

# in_machine DIR USER COMMAND: with an environment as after logging in.
in_machine ()
{
  local home=/root
  [ "$2" = root ] || home="/home/$2"
  chroot --userspec="$2" --groups="$2" "$1" /usr/bin/env -i HOME="$home" USER="$2" TERM=dumb \
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    /bin/bash -euc "$3" </dev/null
}

# The two commands, in the namespaces: try DIR USER.
try ()
{
  local dir=$1 user=$2 packages="git ca-certificates"
  mount_system "$dir"
  if [ "$user" != root ]; then
    packages+=" sudo"
    chroot "$dir" useradd --create-home --shell /bin/bash "$user"
    mkdir -p "$dir/etc/sudoers.d"
    echo "$user ALL=(ALL) NOPASSWD: ALL" >"$dir/etc/sudoers.d/$user"
  fi
  # What it takes to clone a repository, and no more.
  in_machine "$dir" root "export DEBIAN_FRONTEND=noninteractive
    apt-get -qq update
    apt-get -qq -y --no-install-recommends install $packages >/dev/null 2>&1"
  cp "$work/repository" "$dir/tmp/repository"
  chmod 644 "$dir/tmp/repository"

  # A path with a space in it, like users have.
  in_machine "$dir" "$user" 'cd; git clone -q -c advice.detachedHead=false /tmp/repository "a clone"'
  say "$suite, $user: scripts/demo.sh"
  in_machine "$dir" "$user" 'cd ~/"a clone"; time scripts/demo.sh' 2>&1 | tee "$dir/tmp/demo"
  grep -q '^RESULT windows=1 ' "$dir/tmp/demo" || die "the demonstration ended without a RESULT"
  say "$suite, $user: scripts/test.sh"
  in_machine "$dir" "$user" 'cd ~/"a clone"; time scripts/test.sh' 2>&1 | tee "$dir/tmp/test"
  grep -q ' passed, 0 failed, ' "$dir/tmp/test" || die "tests failed"
  # shellcheck disable=SC2016 # for the shell in there
  in_machine "$dir" "$user" 'cd ~/"a clone"; test -z "$(git status --porcelain)"' ||
    die "the commands left something behind that git sees"
}

suite=bookworm
users=(root user)
keep=no
while [ $# -gt 0 ]; do
  case $1 in
    --suite) suite=${2:?--suite needs a name}; shift ;;
    --as) users=("${2:?--as needs root or user}"); shift ;;
    --keep) keep=yes ;;
    # For the call of itself below.
    --try) work=$2; suite=$3; try "$work/$4" "$4"; exit ;;
    -h | --help) echo "$usage"; exit 0 ;;
    *) printf '%s\n' "$usage" >&2; exit 2 ;;
  esac
  shift
done

[ "$(id -u)" -eq 0 ] || die "only root can make another root"
for tool in debootstrap git unshare chroot; do
  command -v "$tool" >/dev/null || die "$tool is missing (apt-get install debootstrap git)"
done
[ -z "$(git -C "$project_dir" status --porcelain)" ] ||
  say "Only what is committed is tried; there is more in this folder."

work=$(mktemp -d "${TMPDIR:-/var/tmp}/npu-fresh.XXXXXX")
if [ "$keep" = no ]; then
  trap 'rm -rf --one-file-system -- "$work"' EXIT
else
  say "The machines stay in $work"
fi
chmod 755 "$work"
mkdir "$work/packages"
git -C "$project_dir" bundle create -q "$work/repository" HEAD
make_base
for user in "${users[@]}"; do
  cp -a "$work/base" "$work/$user"
  # The process namespace ends whatever might still run in there.
  unshare --mount --propagation private --pid --fork --kill-child \
    "${BASH_SOURCE[0]}" --try "$work" "$suite" "$user"
  [ "$keep" = yes ] || rm -rf --one-file-system -- "${work:?}/$user"
done
say "Both commands work on a fresh $suite (${users[*]})."
