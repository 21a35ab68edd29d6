#!/bin/bash
# As in the official image: in the foreground, with a master that passes signals on.
set -eu
if [ "$1" = haproxy ]; then
    shift
    set -- haproxy -W -db "$@"
fi
exec "$@"
