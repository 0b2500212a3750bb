#!/bin/sh
# Brings real songs for tests and benchmarks to build/real_songs: music of free games, from Debian's archive.
# Those of openttd-openmsx are MIDI files, whose notes and beats are known.
# Nothing is installed. Tests that want real songs skip without them.
set -eu
cd "$(dirname "$0")/.."
folder=build/real_songs
packages="hyperrogue-music wesnoth-1.16-music singularity-music openttd-openmsx"
[ "$(cat "$folder/.complete" 2>/dev/null)" != "$packages" ] || exit 0
command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || {
    echo "apt-get and dpkg-deb are needed to bring real songs" >&2
    exit 1
}
mkdir -p "$folder/packages"
for package in $packages; do
    (cd "$folder/packages" && apt-get download -qq "$package") || echo "could not download $package" >&2
done
for file in "$folder"/packages/*.deb; do
    [ ! -e "$file" ] || dpkg-deb -x "$file" "$folder"
done
rm -rf "$folder/packages"
[ -d "$folder/usr" ] || exit 1
echo "$packages" >"$folder/.complete"
