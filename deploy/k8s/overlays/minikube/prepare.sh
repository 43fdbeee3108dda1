#!/bin/sh
# Makes in the cluster of kubectl's current context what is not in git: the namespace, the servers' start scripts, and once
# the secrets. Again, it renews the scripts and leaves the secrets as they are.
set -eu
cd "$(dirname "$0")"
quorate() { kubectl --namespace quorate "$@"; }

kubectl apply -f ../../base/namespace.yaml
quorate create configmap servers --from-file=../../../compose/servers --dry-run=client --output=yaml | quorate apply -f -
if [ -z "$(quorate get secret task-manager --ignore-not-found --output=name)" ]; then
    made=$(./secrets.sh)
    printf '%s\n' "$made" | quorate create -f -
fi
if [ -z "$(quorate get configmap access --ignore-not-found --output=name)" ]; then
    cat >&2 <<'END'
There is no authentication yet: whoever reaches the cluster's ingress may do everything. If you accept that:
  kubectl --namespace quorate create configmap access --from-literal=QUORATE_AUTH=off
END
fi
