#!/bin/sh
# The image's own entry point does no more for what is set here.
set -eu
exec "$@"
