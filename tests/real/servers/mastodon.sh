#!/usr/bin/env bash
# A stateful stand-in for a Mastodon server (REST, OAuth, SSE streaming, faults, rate limits),
# PyPI's mastodon-mock, on loopback, with a brand and forty customers
# (customer, customer2 … customer40) and fixed tokens (brand-token, customer-token …).
#   mastodon.sh DIR [PORT]      MASTODON_RATE_LIMIT=N answers 429 after N requests in 5 minutes
# Started again on the same folder and port it goes on where it was.
# Foreground. One JSON line on stdout when ready. SIGTERM or SIGINT stops it.
set -euo pipefail
dir=$(mkdir -p "${1:?usage: mastodon.sh DIR [PORT]}" && cd "$1" && pwd -P)
port=${2:-0}
freeport() { python3 -c 'import socket;s=socket.socket();s.bind(("127.0.0.1",0));print(s.getsockname()[1])'; }
[ "$port" = 0 ] && port=$(freeport)
venv=$(cd "$(dirname "$0")/.." && pwd)/.venv
[ -x "$venv/bin/mastodon_mock" ] || { echo 'mastodon.sh: not installed (scripts/real-deps)' >&2; exit 1; }
limit=${MASTODON_RATE_LIMIT:-}
{
  printf '[database]\npath = "%s/mastodon.sqlite"\n' "$dir"
  printf '[server]\nhost = "127.0.0.1"\nport = %d\n' "$port"
  [ -n "$limit" ] && printf '[ratelimit]\nenabled = true\nlimit = %d\nwindow_seconds = 300\n' "$limit"
  for a in brand customer $(seq -f 'customer%.0f' 2 40); do
    printf '[[seed.accounts]]\nusername = "%s"\ndisplay_name = "%s"\naccess_token = "%s-token"\nemail = "%s@example.com"\n' "$a" "$a" "$a" "$a"
  done
} >"$dir/mastodon.toml"
cd "$dir"
"$venv/bin/mastodon_mock" serve --config "$dir/mastodon.toml" --host 127.0.0.1 --port "$port" --log-level warning >"$dir/mastodon.log" 2>&1 &
pid=$!
# uvicorn waits for open streams after SIGTERM; SIGINT after it means now.
trap 'kill -TERM $pid 2>/dev/null; sleep 1; kill -INT $pid 2>/dev/null || true' TERM INT
for _ in $(seq 200); do
  (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && break
  kill -0 $pid 2>/dev/null || { tail -n 5 "$dir/mastodon.log" >&2; exit 1; }
  sleep 0.1
done
printf '{"ready":true,"pid":%d,"url":"http://127.0.0.1:%d"}\n' "$pid" "$port"
rc=0; while kill -0 $pid 2>/dev/null; do wait $pid && rc=0 || rc=$?; done
exit "$rc"
