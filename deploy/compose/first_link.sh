#!/bin/sh
# Shows a link that makes the first admin. Each start of accounts prints one and voids the one before, and replicas that
# start together do so in no order that their logs tell: so one of them starts anew, alone.
set -eu
cd "$(dirname "$0")"
one=$(docker compose ps --quiet accounts | head -n 1)
[ -n "$one" ] || { echo "accounts does not run: docker compose up --detach --wait" >&2; exit 1; }
before=$(date +%s)
docker restart --timeout 30 "$one" > /dev/null
waited=0
until docker logs --since "$before" "$one" 2>&1 | grep -o 'http[^ "]*/link#[^ "]*' | tail -n 1 | grep .; do
    waited=$((waited + 1))
    [ "$waited" -lt 60 ] || { echo "no link: somebody has an account already, or accounts does not start" >&2; exit 1; }
    sleep 1
done
