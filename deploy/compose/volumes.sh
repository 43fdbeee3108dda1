#!/bin/sh
# To be sourced: the volumes that a backup holds, and tar beside them.
set -eu

# volumes: those of this project, by Compose's labels, but for the spool, which holds nothing that anybody was promised.
volumes() {
    project=$(docker compose config --format json | sed -n 's/^  "name": "\(.*\)",*$/\1/p')
    docker volume ls --quiet --filter "label=com.docker.compose.project=$project" | grep -v '_spool$'
}

# in_a_container MOUNT MOUNT ARGUMENT...: tar, as root, in the gateway's image, which is there anyway.
in_a_container() {
    first=$1 second=$2
    shift 2
    docker run --rm --network none --user 0:0 --entrypoint tar --volume "$first" --volume "$second" \
        "$(docker compose config --images gateway | head -n 1)" "$@"
}
