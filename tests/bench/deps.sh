#!/bin/sh
# Unpacks the peers that `make bench` measures into a folder, from Debian's packages: none of their services is
# started, and nothing is installed on the machine but s6, which looks for its parts in /usr/bin (as root; it
# starts nothing either). A peer that this Debian does not have is named.
#
#     deps.sh FOLDER PEER...
set -e
folder=$1
shift
command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || {
  echo "bench-deps needs apt-get and dpkg: elsewhere install the peers themselves ($*)" >&2
  exit 1
}
mkdir -p "$folder/packages"
cd "$folder/packages"
for peer; do
  if ! apt-cache show "$peer" >/dev/null 2>&1; then
    echo "$peer: apt knows no such package (perhaps after apt-get update); its rows will say so" >&2
    continue
  fi
  # With the libraries of its own that the machine does not have; what is installed is found as it is.
  packages=$(apt-get -s install --no-install-recommends "$peer" | sed -n 's/^Inst \([^ ]*\) .*/\1/p')
  [ -n "$packages" ] || { echo "$peer: installed"; continue; }
  if [ "$peer" = s6 ]; then
    if [ "$(id -u)" = 0 ]; then
      DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends s6 </dev/null
    else
      echo "s6: it only runs from /usr/bin; make bench-deps as root installs it" >&2
    fi
    continue
  fi
  # shellcheck disable=SC2086
  apt-get download -q $packages
done
for package in *.deb; do
  [ -e "$package" ] || continue
  dpkg-deb -x "$package" ..
done
rm -rf ../packages
ls -d ../usr/bin/* 2>/dev/null | sed 's,.*/,,' | tr '\n' ' '
echo
