#!/bin/sh
# Replaces the containers of the services one at a time, by such as .env and compose.yaml now ask for, so that clients do
# not notice: a new one is let in, an old one drains, and at least as many are there all the while as before.
#
#   ./replace.sh [service...]      without names: every service of ours. MongoDB, RabbitMQ, S3 and the gateway are single:
#                                  docker compose up --detach --wait replaces those, and requests wait or fail meanwhile.
set -eu
cd "$(dirname "$0")"

# The gateway asks for the services' addresses every 5 s: so long no address may change hands, nor a new one be the only one.
gateway_hears_s=6
drain_s=30

if [ $# = 0 ]; then
    # shellcheck disable=SC2046 # names of services have no spaces
    set -- $(docker compose ps --format '{{.Service}} {{.Labels}}' | sed -n 's/ .*quorate.replaced=one-by-one.*//p' | sort -u)
fi

old=""
rounds=0
for service in "$@"; do
    there=$(docker compose ps --quiet "$service")
    number=$(printf '%s\n' "$there" | grep -c . || true)
    [ "$number" -gt "$rounds" ] && rounds=$number
    old="$old $service:$(printf '%s' "$there" | tr '\n' ',')"
done

round=1
while [ "$round" -le "$rounds" ]; do
    scale=""
    stopping=""
    names=""
    for each in $old; do
        service=${each%%:*}
        one=$(printf '%s' "${each#*:}" | cut -d, -f"$round")
        [ -n "$one" ] || continue
        names="$names $service"
        stopping="$stopping $one"
        scale="$scale --scale $service=$(($(docker compose ps --quiet "$service" | grep -c .) + 1))"
    done
    # shellcheck disable=SC2086 # lists of words
    {
        docker compose up --detach --wait --no-deps --no-recreate $scale $names
        sleep "$gateway_hears_s"
        docker stop --timeout "$drain_s" $stopping
        docker rm $stopping
    } > /dev/null
    sleep "$gateway_hears_s"
    echo "replaced, $round of $rounds:$names"
    round=$((round + 1))
done
