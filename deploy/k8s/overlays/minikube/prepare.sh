#!/bin/sh
# Makes in the cluster of kubectl's current context what is not in git: the namespace, the servers' start scripts, and once
# the secrets. Again, it renews the scripts and leaves the secrets as they are.
set -eu
cd "$(dirname "$0")"
quorate() { kubectl --namespace quorate "$@"; }

kubectl apply -f ../../base/namespace.yaml
quorate create configmap servers --from-file=../../../compose/servers --dry-run=client --output=yaml | quorate apply -f -
secrets="mongodb rabbitmq s3 task-manager subtask-manager notifier consensus worker detector accounts access"
there=$(quorate get secret $secrets --ignore-not-found --output=name | wc -l)
if [ "$there" -eq 0 ]; then
    made=$(./secrets.sh)
    printf '%s\n' "$made" | quorate create -f -
elif [ "$there" -ne "$(echo $secrets | wc -w)" ]; then
    echo "only $there of the secrets $secrets are there: it was interrupted. Delete those that are, and the volumes of" >&2
    echo "mongodb, rabbitmq and s3 if they have started, for they keep the first secrets that they saw. Then run this again." >&2
    exit 1
fi
