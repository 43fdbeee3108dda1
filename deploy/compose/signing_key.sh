#!/bin/sh
# To be sourced: makes a key that signs access tokens, as $signing_key, and its public half, as $verifying_key, in the form
# of QUORATE_SIGNING_KEYS and QUORATE_VERIFYING_KEYS. Needs openssl 1.1.1 or later.
set -eu
if ! command -v openssl >/dev/null; then
    echo "openssl is needed to make the key that signs access tokens: install it (Debian: apt install openssl)" >&2
    exit 1
fi
# An Ed25519 key ends with its 32 bytes in either of these forms.
last_bytes() { od -An -v -tx1 | tr -d ' \n' | tail -c 64; }
signing_key_pem=$(openssl genpkey -algorithm ed25519)
signing_key_name=$(od -An -v -N 4 -tx1 /dev/urandom | tr -d ' \n')
signing_key="$signing_key_name:$(printf '%s\n' "$signing_key_pem" | openssl pkey -outform DER | last_bytes)"
verifying_key="$signing_key_name:$(printf '%s\n' "$signing_key_pem" | openssl pkey -pubout -outform DER | last_bytes)"
unset signing_key_pem signing_key_name
