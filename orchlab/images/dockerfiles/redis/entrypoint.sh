#!/bin/sh
# Start Redis as the user redis, whoever owns the volume in /data.
set -eu

case "${1:-}" in
    -* | *.conf) set -- redis-server "$@" ;;
esac

# Protected mode refuses clients from other hosts while no password is set. Here the
# container's network decides who is a client, as with the public image.
if [ "${1:-}" = redis-server ]; then
    case " $* " in
        *" --protected-mode "*) ;;
        *) set -- "$@" --protected-mode no ;;
    esac
fi

if [ "${1:-}" = redis-server ] && [ "$(id -u)" = 0 ]; then
    find /data \! -user redis -exec chown redis:redis {} +
    exec setpriv --reuid=redis --regid=redis --init-groups -- "$@"
fi
exec "$@"
