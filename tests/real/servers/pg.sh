#!/usr/bin/env bash
# A private PostgreSQL cluster on loopback, with PostgreSQL from Debian (scripts/needs installs it).
#   pg.sh DIR [PORT]      DIR: temp folder (made), not under a home folder: PostgreSQL refuses to run as root and
#                         then runs as another user. PORT: 0 or none picks a free one
# Foreground. One JSON line on stdout when ready. SIGTERM or SIGINT stops it.
set -euo pipefail
dir=$(mkdir -p "${1:?usage: pg.sh DIR [PORT]}" && cd "$1" && pwd -P)
port=${2:-0}
freeport() { python3 -c 'import socket;s=socket.socket();s.bind(("127.0.0.1",0));print(s.getsockname()[1])'; }
[ "$port" = 0 ] && port=$(freeport)

bindir() { ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -1; }
bin=$(bindir)
[ -n "$bin" ] || { echo 'pg.sh: PostgreSQL is not installed (scripts/needs test)' >&2; exit 1; }

# postgres refuses to run as root: drop to the postgres user Debian's package makes.
as=()
if [ "$(id -u)" = 0 ]; then
  user=postgres; id "$user" >/dev/null 2>&1 || user=nobody
  as=(setpriv --reuid="$user" --regid="$(id -g "$user")" --clear-groups --)
  chown "$user" "$dir"
fi

cd "$dir"
if [ ! -s data/PG_VERSION ]; then
  "${as[@]}" "$bin/initdb" -D "$dir/data" -U postgres -A trust -E UTF8 --locale=C.UTF-8 --no-sync >"$dir/initdb.log" 2>&1
fi
# -k: unix socket folder. fsync off: a test cluster, not for data that must outlive a crash.
"${as[@]}" "$bin/postgres" -D "$dir/data" -p "$port" -k "$dir" -h 127.0.0.1 \
  -c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=200 \
  -c log_connections=on -c log_line_prefix='%m [%p] %d ' \
  >"$dir/postgres.log" 2>&1 &
pid=$!
trap 'kill -INT $pid 2>/dev/null || true' TERM INT   # SIGINT is postgres's fast shutdown

for _ in $(seq 100); do
  "$bin/pg_isready" -q -h 127.0.0.1 -p "$port" && break
  kill -0 $pid 2>/dev/null || { tail -n 5 "$dir/postgres.log" >&2; exit 1; }
  sleep 0.1
done
"$bin/psql" -qAt -h 127.0.0.1 -p "$port" -U postgres -c "select 1 from pg_database where datname='test'" | grep -q 1 ||
  "$bin/createdb" -h 127.0.0.1 -p "$port" -U postgres test
printf '{"ready":true,"pid":%d,"port":%d,"socket_dir":"%s","url":"postgresql://postgres@127.0.0.1:%d/test","version":"%s"}\n' \
  "$pid" "$port" "$dir" "$port" "$("$bin/postgres" --version | awk '{print $3}')"
rc=0; while kill -0 $pid 2>/dev/null; do wait $pid && rc=0 || rc=$?; done
exit "$rc"
