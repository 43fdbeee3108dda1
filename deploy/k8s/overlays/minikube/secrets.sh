#!/bin/sh
# Prints the Secrets of the services and of the data tier, with new random values. For `kubectl create -f -`, never for a
# file: the servers keep the secrets of their first start, so they are made once.
set -eu

# random BYTES: so many random bytes in hex, which needs no escaping in a URL.
random() {
    text=$(od -An -v -N "$1" -tx1 /dev/urandom | tr -d ' \n')
    if [ ${#text} -ne $(($1 * 2)) ]; then
        echo "no random numbers from /dev/urandom" >&2
        exit 1
    fi
    printf %s "$text"
}

# secret NAME KEY=VALUE...: a Secret as YAML.
secret() {
    printf -- '---\napiVersion: v1\nkind: Secret\nmetadata: {name: %s, namespace: quorate}\nstringData:\n' "$1"
    shift
    for pair in "$@"; do
        printf '  %s: "%s"\n' "${pair%%=*}" "${pair#*=}"
    done
}

. "$(dirname "$0")/../../../compose/signing_key.sh"
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
s3_access_key=$(random 10)
s3_secret_key=$(random 20)
# With its namespace: KEDA looks it up from its own.
amqp_url="amqp://quorate:$rabbitmq@rabbitmq.quorate.svc:5672/"
# mongo_url USER PASSWORD
mongo_url() { printf %s "mongodb://$1:$2@mongodb:27017/?replicaSet=rs0&authSource=admin"; }

secret mongodb "MONGO_INITDB_ROOT_PASSWORD=$mongo_root" "MONGO_KEYFILE=$mongo_keyfile" \
    "MONGO_TASKS_PASSWORD=$mongo_tasks" "MONGO_SUBTASKS_PASSWORD=$mongo_subtasks" \
    "MONGO_DETECTOR_PASSWORD=$mongo_detector" "MONGO_ACCOUNTS_PASSWORD=$mongo_accounts" \
    "MONGO_WEBHOOKS_PASSWORD=$mongo_webhooks" "MONGO_CONSENSUS_PASSWORD=$mongo_consensus" \
    "MONGO_WORKER_PASSWORD=$mongo_worker"
secret rabbitmq "RABBITMQ_DEFAULT_PASS=$rabbitmq"
secret s3 "S3_ACCESS_KEY=$s3_access_key" "S3_SECRET_KEY=$s3_secret_key"
secret task-manager "QUORATE_AMQP_URL=$amqp_url" "QUORATE_MONGO_URL=$(mongo_url quorate_tasks "$mongo_tasks")" \
    "QUORATE_S3_ACCESS_KEY=$s3_access_key" "QUORATE_S3_SECRET_KEY=$s3_secret_key"
secret subtask-manager "QUORATE_AMQP_URL=$amqp_url" "QUORATE_MONGO_URL=$(mongo_url quorate_subtasks "$mongo_subtasks")" \
    "QUORATE_S3_ACCESS_KEY=$s3_access_key" "QUORATE_S3_SECRET_KEY=$s3_secret_key"
secret notifier "QUORATE_AMQP_URL=$amqp_url" "QUORATE_MONGO_URL=$(mongo_url quorate_webhooks "$mongo_webhooks")"
secret consensus "QUORATE_AMQP_URL=$amqp_url" "QUORATE_MONGO_URL=$(mongo_url quorate_consensus "$mongo_consensus")"
secret detector "QUORATE_AMQP_URL=$amqp_url" "QUORATE_MONGO_URL=$(mongo_url quorate_detector "$mongo_detector")" \
    "QUORATE_S3_ACCESS_KEY=$s3_access_key" "QUORATE_S3_SECRET_KEY=$s3_secret_key"
secret worker "QUORATE_AMQP_URL=$amqp_url" "QUORATE_MONGO_URL=$(mongo_url quorate_worker "$mongo_worker")" \
    "QUORATE_S3_ACCESS_KEY=$s3_access_key" "QUORATE_S3_SECRET_KEY=$s3_secret_key"
secret accounts "QUORATE_AMQP_URL=$amqp_url" "QUORATE_MONGO_URL=$(mongo_url quorate_accounts "$mongo_accounts")" \
    "QUORATE_SIGNING_KEYS=$signing_key"
secret access "QUORATE_VERIFYING_KEYS=$verifying_key"
