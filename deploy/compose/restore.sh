#!/bin/sh
# Makes the volumes as compose.yaml has them, and fills them from a folder that backup.sh has written. The .env of then has
# to lie beside this file. What the volumes hold is lost: it asks for volumes that are not there, or empty.
#
#   ./restore.sh FOLDER && docker compose up --detach --wait
set -eu
folder=$(cd "${1:?where from}" && pwd)
cd "$(dirname "$0")"
. ./volumes.sh

docker compose create
for volume in $(volumes); do
    copy="$folder/${volume#*_}.tar.gz"
    [ -e "$copy" ] || { echo "$copy is not there" >&2; exit 1; }
    if [ -n "$(in_a_container "$volume:/to:ro" "$folder:/from:ro" -C /to -cf - . | tar -t | grep -v '/$' || true)" ]; then
        echo "the volume $volume holds something: docker compose down --volumes removes it" >&2
        exit 1
    fi
    in_a_container "$volume:/to" "$folder:/from:ro" -C /to -xzpf "/from/${volume#*_}.tar.gz"
    echo "restored $volume"
done
