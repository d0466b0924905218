#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# deps.sh: installs what is needed to build, run and test gst-npu.
#
# Does nothing, needs no network and no privileges where all is there.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

usage="Usage: scripts/deps.sh [--print] [--family debian|fedora|arch]

Installs the packages to build, run and test gst-npu, as root or through sudo,
without asking questions.

  --print   only list the packages, one to a line
  --family  the distribution's family, instead of what /etc/os-release says"

# One line of purpose per group; the same groups for every family.
debian_packages=(
  gcc libc6-dev meson ninja-build pkg-config python3
  libgstreamer1.0-dev libgstreamer-plugins-base1.0-dev libjson-glib-dev
  # gst-launch-1.0, and elements that decode (and, in tests, encode)
  gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-plugins-good
  gstreamer1.0-plugins-bad gstreamer1.0-plugins-ugly gstreamer1.0-libav
  # the library in other languages
  gobject-introspection libgirepository1.0-dev
  # tests
  libsndfile1-dev valgrind libc6-dbg clang libclang-rt-dev llvm
  g++ python3-gi python3-numpy gir1.2-gstreamer-1.0 gir1.2-gst-plugins-base-1.0
  # scripts/get-model.sh
  curl ca-certificates
)
# For the module that drives NPUs through XRT, which is not built without them;
# left out where the distribution does not have them (Fedora and Arch Linux, and
# some releases and processors of Debian's family).
debian_optional=(libxrt-dev uuid-dev)
fedora_packages=(
  gcc glibc-devel meson ninja-build pkgconf-pkg-config python3
  gstreamer1-devel gstreamer1-plugins-base-devel json-glib-devel
  gstreamer1 gstreamer1-plugins-base gstreamer1-plugins-good
  gstreamer1-plugins-bad-free gstreamer1-plugins-ugly-free
  gstreamer1-plugin-libav
  gobject-introspection-devel
  libsndfile-devel valgrind clang compiler-rt llvm
  gcc-c++ python3-gobject python3-numpy
  curl ca-certificates
)
arch_packages=(
  gcc glibc meson ninja pkgconf python
  gstreamer gst-plugins-base-libs json-glib
  gst-plugins-base gst-plugins-good
  gst-plugins-bad gst-plugins-ugly gst-libav
  gobject-introspection
  libsndfile valgrind clang compiler-rt llvm
  python-gobject python-numpy
  curl ca-certificates
)

# The family that os-release's ID or ID_LIKE belongs to.
detect_family ()
{
  local file=${NPU_OS_RELEASE:-/etc/os-release} ids id
  # shellcheck source=/dev/null
  ids=$([ -r "$file" ] && . "$file" && printf '%s %s' "${ID:-}" "${ID_LIKE:-}") || true
  for id in $ids; do
    case $id in
      debian | ubuntu) echo debian; return ;;
      fedora | rhel) echo fedora; return ;;
      arch) echo arch; return ;;
    esac
  done
  say "deps.sh knows Debian, Ubuntu, Fedora, Arch Linux and their derivatives, not this system (${ids:-no $file})."
  say "Install the equivalents of these Debian packages by hand; scripts/demo.sh --no-deps and scripts/test.sh --no-deps then skip this step:"
  printf '  %s\n' "${debian_packages[@]}" >&2
  exit 1
}

# missing_packages NAME...: those that are not installed, one to a line.
missing_packages ()
{
  [ $# -gt 0 ] || return 0
  case $family in
    debian)
      # Names with "installed" as the third word of their status; what dpkg
      # has never heard of is told on stderr only.
      dpkg-query -W -f '${Status} ${binary:Package}\n' "$@" 2>/dev/null |
        sed -n 's/^[a-z]* ok installed \([^:]*\).*/\1/p' | LC_ALL=C sort |
        LC_ALL=C comm -13 - <(printf '%s\n' "$@" | LC_ALL=C sort)
      ;;
    fedora)
      local name
      for name; do
        rpm -q --quiet --whatprovides "$name" || echo "$name"
      done
      ;;
    arch)
      # -T prints what is not there, and fails for it.
      pacman -T "$@" || true
      ;;
  esac
}

# Does the distribution have all of these optional packages?
are_available ()
{
  local name
  [ $# -gt 0 ] || return 1
  for name; do
    LC_ALL=C apt-cache policy "$name" 2>/dev/null | grep -q 'Candidate: [^(]' || return 1
  done
}

# Can something be installed without asking anyone?
is_root_at_hand ()
{
  [ "$(id -u)" -eq 0 ] || sudo -n true 2>/dev/null
}

# Makes sure that as_root will work, asking for a password where someone can
# give one.
become_root ()
{
  [ "$(id -u)" -ne 0 ] || return 0
  command -v sudo >/dev/null ||
    die "these packages are missing, and installing them needs root or sudo. As root, run $project_dir/scripts/deps.sh, or install: ${missing[*]}"
  if sudo -n true 2>/dev/null; then
    return
  elif [ -t 0 ]; then
    sudo -v || die "sudo refused; as root, run $project_dir/scripts/deps.sh"
  else
    die "sudo wants a password and there is no terminal to ask for it. Run this once in a terminal, or as root: $project_dir/scripts/deps.sh"
  fi
}

# Runs a command as root.
as_root ()
{
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  else
    sudo -- "$@"
  fi
}

# A fresh machine may be busy with its own updates: wait for the lock.
run_apt ()
{
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y \
    -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 -o Dpkg::Use-Pty=0 \
    -o Dpkg::Options::=--force-confold "$@"
}

install_packages ()
{
  case $family in
    debian)
      # Some foreign list may be out of order; what matters is the installation.
      run_apt update || say "Not all package lists could be brought up to date."
      ! are_available "${optional_missing[@]}" || set -- "$@" "${optional_missing[@]}"
      run_apt --no-install-recommends install "$@"
      ;;
    fedora)
      as_root dnf -q -y --setopt=install_weak_deps=False install "$@"
      ;;
    arch)
      # A partial upgrade (-Sy) is not supported by Arch Linux.
      as_root pacman -Syu --needed --noconfirm "$@"
      ;;
  esac
}

print_only=no
family=
while [ $# -gt 0 ]; do
  case $1 in
    --print) print_only=yes ;;
    --family) family=${2:?--family needs a name}; shift ;;
    -h | --help) echo "$usage"; exit 0 ;;
    *) say "$usage"; exit 2 ;;
  esac
  shift
done

[ -n "$family" ] || family=$(detect_family)
optional=()
case $family in
  debian) packages=("${debian_packages[@]}") optional=("${debian_optional[@]}") ;;
  fedora) packages=("${fedora_packages[@]}") ;;
  arch) packages=("${arch_packages[@]}") ;;
  *) say "$usage"; exit 2 ;;
esac

if [ "$print_only" = yes ]; then
  printf '%s\n' "${packages[@]}" "${optional[@]}"
  exit 0
fi

mapfile -t missing < <(missing_packages "${packages[@]}")
mapfile -t optional_missing < <(missing_packages "${optional[@]}")
if [ ${#missing[@]} -eq 0 ]; then
  # Nobody is asked for a password, nor told of an error, for the optional ones.
  are_available "${optional_missing[@]}" && is_root_at_hand || exit 0
fi

become_root
say "Installing ${missing[*]:-${optional_missing[*]}} …"
log=$(mktemp)
trap 'rm -f -- "$log"' EXIT
install_packages "${missing[@]}" >"$log" 2>&1 || {
  tail -n 20 "$log" >&2
  die "the packages could not be installed (the package manager's last words are above)"
}

mapfile -t missing < <(missing_packages "${packages[@]}")
[ ${#missing[@]} -eq 0 ] || die "still missing after the installation: ${missing[*]}"
