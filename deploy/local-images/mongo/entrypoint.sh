#!/bin/bash
# As in the official image: options alone are mongod's, which runs as a user of its own.
set -eu
[ "${1:0:1}" != - ] || set -- mongod "$@"
if [ "$1" = mongod ] && [ "$(id -u)" = 0 ]; then
    chown -R mongodb:mongodb /data/db /data/configdb
    exec setpriv --reuid=mongodb --regid=mongodb --clear-groups "$@"
fi
exec "$@"
