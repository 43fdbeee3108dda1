#!/bin/sh
# Stops the platform, copies its volumes into a folder, and starts it again. .env is copied by hand, and kept apart.
#
#   ./backup.sh FOLDER
set -eu
umask 077
folder=$(mkdir -p "${1:?where to}" && cd "$1" && pwd)
cd "$(dirname "$0")"
. ./volumes.sh

found=$(volumes)
[ -n "$found" ] || { echo "there are no volumes of this project" >&2; exit 1; }

docker compose stop
trap 'docker compose start' EXIT
for volume in $found; do
    in_a_container "$volume:/from:ro" "$folder:/to" -C /from -czpf "/to/${volume#*_}.tar.gz" .
    echo "copied $volume"
done
