#!/bin/sh
# Makes the volumes as compose.yaml has them, and fills them from a folder that backup.sh has written. The .env of then has
# to lie beside this file. What the volumes hold is lost: it asks for volumes that are not there, or empty.
#
#   ./restore.sh FOLDER && docker compose up --detach --wait
#
# Without a copy of RabbitMQ's volume that stays empty: docs/operations.md, "A broker that was lost".
set -eu
folder=$(cd "${1:?where from}" && pwd)
cd "$(dirname "$0")"
. ./volumes.sh

docker compose create
found=""
for volume in $(volumes); do
    copy="$folder/${volume#*_}.tar.gz"
    if [ ! -e "$copy" ]; then
        [ "${volume#*_}" = rabbitmq ] || { echo "$copy is not there" >&2; exit 1; }
        echo "$copy is not there: what the queues held is to be told anew, by quorate republish" >&2
        continue
    fi
    if [ -n "$(in_a_container "$volume:/to:ro" "$folder:/from:ro" -C /to -cf - . | tar -t | grep -v '/$' || true)" ]; then
        echo "the volume $volume holds something: docker compose down --volumes removes it" >&2
        exit 1
    fi
    found="$found $volume"
done
for volume in $found; do
    in_a_container "$volume:/to" "$folder:/from:ro" -C /to -xzpf "/from/${volume#*_}.tar.gz"
    echo "restored $volume"
done
