#!/bin/sh
# Writes .env beside this file: new secrets, and what can be set. A file that is there stays as it is, but for secrets of
# services that have come since: those are added.
set -eu
umask 077
cd "$(dirname "$0")"

# random BYTES: so many random bytes in hex, which needs no escaping in a URL.
random() {
    text=$(od -An -v -N "$1" -tx1 /dev/urandom | tr -d ' \n')
    if [ ${#text} -ne $(($1 * 2)) ]; then
        echo "no random numbers from /dev/urandom" >&2
        exit 1
    fi
    printf %s "$text"
}

if [ -e .env ]; then
    for name in MONGO_WORKER_PASSWORD; do
        grep -q "^$name=" .env || printf '%s=%s\n' "$name" "$(random 24)" >> .env
    done
    echo "deploy/compose/.env is there already and stays as it is, but for secrets that it lacked" >&2
    exit 0
fi

. ./signing_key.sh
new=".env.$$"
trap 'rm -f "$new"' EXIT
mongo_root=$(random 24)
mongo_keyfile=$(random 64)
mongo_tasks=$(random 24)
mongo_subtasks=$(random 24)
mongo_detector=$(random 24)
mongo_worker=$(random 24)
mongo_accounts=$(random 24)
mongo_webhooks=$(random 24)
mongo_consensus=$(random 24)
rabbitmq=$(random 24)
s3_access_key=$(random 10) # MinIO takes no more than 20 characters here
s3_secret_key=$(random 20) # and 40 here
cat > "$new" <<END
# Made by secrets.sh; only its owner may read it. Not for git. A backup of the volumes is worth nothing without it.

# People sign in, and programs have keys: ./first_link.sh shows the link for the first admin. With off,
# whoever reaches the gateway may do everything. Its port is published on this machine only (QUORATE_BIND).
# QUORATE_AUTH=on
# Where people reach the platform, for links to it.
# QUORATE_PUBLIC_URL=http://localhost:8080

# People sign in with an OpenID provider, too (docs/deployment.md): all of these, and what else of QUORATE_OIDC_ is wanted.
#   COMPOSE_FILE=compose.yaml:compose.provider.yaml
#   QUORATE_OIDC_ISSUER=https://id.example
#   QUORATE_OIDC_CLIENT_ID=quorate
#   QUORATE_OIDC_CLIENT_SECRET=...
#   QUORATE_OIDC_ROLES='{"labelers": {"first": ["operator"]}}'

# The S3 server: seaweedfs, or minio (MinIO's last community image).
COMPOSE_PROFILES=seaweedfs

# What can be changed; these are the defaults.
# QUORATE_BIND=127.0.0.1
# GATEWAY_PORT=8080
# S3_PORT=9000
# QUORATE_ALLOWED_HOSTS=localhost
# QUORATE_S3_PUBLIC_ENDPOINT=http://localhost:9000
# QUORATE_TRUSTED_PROXIES=1
# QUORATE_WEBHOOK_NETWORKS=
# QUORATE_LOG_LEVEL=info
# QUORATE_IMAGES=quorate-
# QUORATE_VERSION=0.1.0
# QUORATE_REPLICAS=2
# DETECTOR_CPUS=2.0

# Secrets. The servers keep them from their first start on: to change one here alone locks the services out.
MONGO_ROOT_PASSWORD=$mongo_root
MONGO_KEYFILE=$mongo_keyfile
MONGO_TASKS_PASSWORD=$mongo_tasks
MONGO_SUBTASKS_PASSWORD=$mongo_subtasks
MONGO_DETECTOR_PASSWORD=$mongo_detector
MONGO_WORKER_PASSWORD=$mongo_worker
MONGO_ACCOUNTS_PASSWORD=$mongo_accounts
MONGO_WEBHOOKS_PASSWORD=$mongo_webhooks
MONGO_CONSENSUS_PASSWORD=$mongo_consensus
RABBITMQ_PASSWORD=$rabbitmq
S3_ACCESS_KEY=$s3_access_key
S3_SECRET_KEY=$s3_secret_key
# What signs access tokens, and its public half. To replace it: docs/operations.md.
SIGNING_KEYS=$signing_key
VERIFYING_KEYS=$verifying_key
END
ln "$new" .env # fails where another run was faster
echo "wrote deploy/compose/.env: ./first_link.sh shows the link for the first admin once it runs" >&2
