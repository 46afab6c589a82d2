#!/bin/sh
# The default job with an empty cache of compiled code, and again with a full one.
set -eu
arch=${1:-aim_1card}
NUMBA_CACHE_DIR=$(mktemp -d)
export NUMBA_CACHE_DIR
trap 'rm -rf "$NUMBA_CACHE_DIR"' EXIT
for pass in cold warm; do
    echo "$pass:"
    time nearbank run "$arch" llama2_7b_512_64 --json >/dev/null
done
