#!/usr/bin/env bash
# Start a PostgreSQL server of this machine's packages for the tests, in a folder of its own, and print its URL:
#   export OVERFLIGHT_POSTGRES_URL="$(tools/start_postgres.sh FOLDER)"      stop it: tools/start_postgres.sh --stop FOLDER
# It listens on a socket in the folder only, as whoever calls, or as the user postgres where root calls: PostgreSQL refuses root.
set -euo pipefail

stop=""
if [ "${1:-}" = "--stop" ]; then
    stop=yes
    shift
fi
folder=${1:?"give a folder for the server"}
bin=$(ls -d /usr/lib/postgresql/*/bin 2> /dev/null | sort -V | tail -1 || true)
if [ -z "$bin" ]; then
    bin=$(dirname "$(command -v pg_ctl || echo "")")
    [ -x "$bin/pg_ctl" ] || { echo "no PostgreSQL server here: install Debian's package postgresql" >&2; exit 3; }
fi
as_server() {
    if [ "$(id -u)" -eq 0 ]; then
        (cd / && runuser -u postgres -- "$@")
    else
        "$@"
    fi
}

if [ -n "$stop" ]; then
    as_server "$bin/pg_ctl" --pgdata "$folder/data" --mode immediate --silent stop
    exit
fi
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
if [ "$(id -u)" -eq 0 ]; then
    chown postgres "$folder"
fi
if [ ! -f "$folder/data/PG_VERSION" ]; then
    as_server "$bin/initdb" --pgdata "$folder/data" --username overflight --auth trust --encoding UTF8 --no-locale > "$folder/initdb.log" 2>&1 ||
        { cat "$folder/initdb.log" >&2; exit 3; }
fi
as_server "$bin/pg_ctl" --pgdata "$folder/data" --log "$folder/data/server.log" --wait --silent \
    --options "-c listen_addresses='' -c unix_socket_directories='$folder'" start >&2
echo "postgresql:///postgres?host=$folder&user=overflight"
