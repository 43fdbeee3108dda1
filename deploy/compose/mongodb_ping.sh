#!/bin/bash
# The health check of MongoDB: its answer to a ping, which it gives without a user. mongosh, a whole Node, would take more
# of its memory and processor than MongoDB does at rest.
set -eu
exec 3<> /dev/tcp/127.0.0.1/27017
# OP_MSG: 51 bytes, {ping: 1, $db: "admin"}
printf '\x33\0\0\0\x01\0\0\0\0\0\0\0\xdd\x07\0\0\0\0\0\0\0\x1e\0\0\0\x10ping\0\x01\0\0\0\x02$db\0\x06\0\0\0admin\0\0' >&3
length=$(($(head -c 4 <&3 | od -An -tu4)))
head -c $((length - 4)) <&3 | grep -aq 'ok'
