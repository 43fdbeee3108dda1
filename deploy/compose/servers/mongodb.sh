#!/bin/sh
# mongod with the key of its replica set, from MONGO_KEYFILE: it takes keys only from a file that nobody else can read.
set -eu
umask 077
printf %s "$MONGO_KEYFILE" > /tmp/keyfile
unset MONGO_KEYFILE
exec docker-entrypoint.sh mongod --replSet rs0 --keyFile /tmp/keyfile --bind_ip_all --wiredTigerCacheSizeGB 0.4
