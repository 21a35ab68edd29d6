#!/bin/bash
# As in the official image: options alone are the server's, which runs as a user of its own,
# and without a password it would refuse everybody but itself.
set -eu
[ "${1:0:1}" != - ] || set -- redis-server "$@"
if [ "$1" = redis-server ] && [ "$(id -u)" = 0 ]; then
    chown redis:redis /data
    exec setpriv --reuid=redis --regid=redis --clear-groups "$@" --protected-mode no
fi
exec "$@"
