#!/usr/bin/env bash
# A private Redis on loopback, nothing kept on disk, with redis-server from Debian (scripts/needs installs it).
#   redis.sh DIR [PORT]
# Foreground. One JSON line on stdout when ready. SIGTERM or SIGINT stops it.
set -euo pipefail
dir=$(mkdir -p "${1:?usage: redis.sh DIR [PORT]}" && cd "$1" && pwd -P)
port=${2:-0}
freeport() { python3 -c 'import socket;s=socket.socket();s.bind(("127.0.0.1",0));print(s.getsockname()[1])'; }
[ "$port" = 0 ] && port=$(freeport)
command -v redis-server >/dev/null || { echo 'redis.sh: Redis is not installed (scripts/needs test)' >&2; exit 1; }
redis-server --port "$port" --bind 127.0.0.1 --dir "$dir" --save '' --appendonly no --daemonize no >"$dir/redis.log" 2>&1 &
pid=$!
trap 'kill -TERM $pid 2>/dev/null || true' TERM INT
for _ in $(seq 100); do
  [ "$(redis-cli -p "$port" ping 2>/dev/null)" = PONG ] && break
  kill -0 $pid 2>/dev/null || { tail -n 5 "$dir/redis.log" >&2; exit 1; }
  sleep 0.1
done
printf '{"ready":true,"pid":%d,"port":%d,"url":"redis://127.0.0.1:%d/"}\n' "$pid" "$port" "$port"
rc=0; while kill -0 $pid 2>/dev/null; do wait $pid && rc=0 || rc=$?; done
exit "$rc"
