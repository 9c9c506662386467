#!/usr/bin/env bash
# A Matrix homeserver (Synapse, SQLite) on loopback, from PyPI's matrix-synapse, with a brand
# and fifteen customers (customer, customer2 … customer15).
#   synapse.sh DIR [PORT]       SYNAPSE_RATE_LIMITS=1 keeps Synapse's own (strict) rate limits
# Started again on the same folder and port it goes on where it was.
# Foreground. One JSON line on stdout when ready. SIGTERM or SIGINT stops it.
set -euo pipefail
dir=$(mkdir -p "${1:?usage: synapse.sh DIR [PORT]}" && cd "$1" && pwd -P)
port=${2:-0}
freeport() { python3 -c 'import socket;s=socket.socket();s.bind(("127.0.0.1",0));print(s.getsockname()[1])'; }
[ "$port" = 0 ] && port=$(freeport)
py=$(cd "$(dirname "$0")/.." && pwd)/.venv-matrix/bin/python
[ -x "$py" ] || { echo 'synapse.sh: not installed (scripts/real-deps)' >&2; exit 1; }

cat >"$dir/log.yaml" <<Y
version: 1
formatters: {f: {format: '%(asctime)s %(levelname)s %(name)s %(message)s'}}
handlers: {h: {class: logging.FileHandler, filename: $dir/synapse.log, formatter: f}}
root: {level: ${SYNAPSE_LOG:-WARNING}, handlers: [h]}
Y
limits=''
if [ -z "${SYNAPSE_RATE_LIMITS:-}" ]; then
  big='{per_second: 10000, burst_count: 10000}'
  limits="rc_message: $big
rc_registration: $big
rc_login: {address: $big, account: $big, failed_attempts: $big}
rc_joins: {local: $big, remote: $big}
rc_invites: {per_room: $big, per_user: $big, per_issuer: $big}
rc_room_creation: $big
rc_media_create: $big"
fi
cat >"$dir/homeserver.yaml" <<Y
server_name: chat.test
public_baseurl: http://127.0.0.1:$port/
pid_file: $dir/homeserver.pid
listeners:
  - {port: $port, bind_addresses: ['127.0.0.1'], type: http, tls: false, resources: [{names: [client, media]}]}
database: {name: sqlite3, args: {database: $dir/homeserver.db}}
log_config: $dir/log.yaml
media_store_path: $dir/media
signing_key_path: $dir/signing.key
registration_shared_secret: test-shared-secret
macaroon_secret_key: test-macaroon-secret
form_secret: test-form-secret
report_stats: false
trusted_key_servers: []
federation_domain_whitelist: []
enable_registration: false
refreshable_access_token_lifetime: 5m
bcrypt_rounds: 4
presence: {enabled: true}
redaction_retention_period: null
$limits
Y
cd "$dir"
"$py" -m synapse.app.homeserver -c homeserver.yaml --generate-keys >/dev/null 2>>"$dir/start.log"
"$py" -m synapse.app.homeserver -c homeserver.yaml >>"$dir/start.log" 2>&1 &
pid=$!
trap 'kill -TERM $pid 2>/dev/null || true' TERM INT
base=http://127.0.0.1:$port
for _ in $(seq 300); do
  curl -fs -o /dev/null "$base/_matrix/client/versions" && break
  kill -0 $pid 2>/dev/null || { tail -n 5 "$dir/start.log" "$dir/synapse.log" >&2; exit 1; }
  sleep 0.1
done
"$py" - "$base" "$pid" <<'P'
# Accounts by the shared-secret admin call, then a normal password login for each.
import hashlib, hmac, json, sys, urllib.error, urllib.request
base, pid = sys.argv[1:]
def call(path, body=None):
    data = None if body is None else json.dumps(body).encode()
    req = urllib.request.Request(base + path, data, {"content-type": "application/json"})
    with urllib.request.urlopen(req) as r:
        return json.load(r)
accounts = {}
for name in ["brand", "customer", *(f"customer{n}" for n in range(2, 16))]:
    nonce, password = call("/_synapse/admin/v1/register")["nonce"], name + "-pass"
    mac = hmac.new(b"test-shared-secret", b"\0".join(
        [nonce.encode(), name.encode(), password.encode(), b"notadmin"]), hashlib.sha1)
    try:
        call("/_synapse/admin/v1/register", dict(nonce=nonce, username=name, password=password, admin=False, mac=mac.hexdigest()))
    except urllib.error.HTTPError as e:
        if json.load(e)["errcode"] != "M_USER_IN_USE": raise
    r = call("/_matrix/client/v3/login", dict(type="m.login.password", identifier=dict(type="m.id.user", user=name), password=password))
    accounts[name] = dict(user_id=r["user_id"], password=password, access_token=r["access_token"], device_id=r["device_id"])
print(json.dumps(dict(ready=True, pid=int(pid), url=base, server_name="chat.test", accounts=accounts)), flush=True)
P
rc=0; while kill -0 $pid 2>/dev/null; do wait $pid && rc=0 || rc=$?; done
exit "$rc"
