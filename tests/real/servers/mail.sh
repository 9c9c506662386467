#!/usr/bin/env bash
# Real mail on loopback: Dovecot (IMAP, IDLE, TLS) and Exim (SMTP submission with AUTH), from Debian (scripts/needs), with a
# brand and two customer mailboxes; nothing under /etc is read or written by the servers.
#   mail.sh DIR      the same DIR again is the same mailboxes on the same ports
# MAIL_OAUTH=URL: also XOAUTH2 and OAUTHBEARER, tokens asked of that introspection endpoint (RFC 7662, with
# client credentials in the URL: http://inbox:inbox-secret@127.0.0.1:PORT/token/introspection); its `sub` must
# be the mail address.
# Foreground. One JSON line on stdout when ready. SIGTERM or SIGINT stops both.
set -euo pipefail
dir=$(mkdir -p "${1:?usage: mail.sh DIR}" && cd "$1" && pwd -P)
export PATH="$PATH:/usr/sbin:/sbin"
# exim4-daemon-heavy: the light one cannot ask Dovecot for logins.
if ! command -v dovecot >/dev/null || [ ! -x /usr/lib/dovecot/lmtp ] || ! exim4 -bV 2>/dev/null | grep -q 'Authenticators:.*dovecot'; then
  echo 'mail.sh: Dovecot or Exim is not installed (scripts/needs test)' >&2
  exit 1
fi
# Ports below those that the system hands out by itself: after a pause they are still free.
[ -s "$dir/ports" ] || python3 -c '
import random, socket
held = []
while len(held) < 5:
    s = socket.socket()
    try: s.bind(("127.0.0.1", random.randrange(15000, 30000))); held.append(s)
    except OSError: pass
print(*[s.getsockname()[1] for s in held])' >"$dir/ports"
read -r imap imaps smtp smtps lmtp <"$dir/ports"

# Both run as one plain user, so that no master of theirs is root.
as=(); user=$(id -un)
if [ "$(id -u)" = 0 ]; then
  user=Debian-exim
  as=(setpriv --reuid="$user" --regid="$(id -g $user)" --clear-groups --)
fi
group=$(id -gn "$user")
mkdir -p "$dir/run" "$dir/mail" "$dir/exim" "$dir/state"
# An authority of our own and a server certificate from it, as an organisation would have.
if [ ! -s "$dir/tls.crt" ]; then
  ec=(-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes)
  {
    openssl req -x509 "${ec[@]}" -days 30 -subj '/CN=Mail test authority' -keyout "$dir/ca.key" -out "$dir/ca.crt"
    openssl req "${ec[@]}" -subj '/CN=localhost' -keyout "$dir/tls.key" -out "$dir/tls.csr"
    printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:FALSE\n' >"$dir/tls.ext"
    openssl x509 -req -in "$dir/tls.csr" -CA "$dir/ca.crt" -CAkey "$dir/ca.key" -CAcreateserial -days 30 \
      -extfile "$dir/tls.ext" -out "$dir/tls.crt"
  } >"$dir/openssl.log" 2>&1
fi
accounts='care@brand.test anna@customer.test bob@customer.test'
: >"$dir/users"
for a in $accounts; do echo "$a:{PLAIN}${a%%@*}-pass" >>"$dir/users"; done

# What MAIL_OAUTH adds to Dovecot.
oauth='' mechanisms='plain login'
if [ -n "${MAIL_OAUTH:-}" ]; then
  mechanisms+=' xoauth2 oauthbearer'
  cat >"$dir/oauth2.conf" <<C
introspection_mode = post
introspection_url = $MAIL_OAUTH
username_attribute = sub
active_attribute = active
active_value = true
C
  oauth="passdb {
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = $dir/oauth2.conf
}"
fi

cat >"$dir/dovecot.conf" <<C
base_dir = $dir/run
state_dir = $dir/state
log_path = $dir/dovecot.log
listen = 127.0.0.1
protocols = imap lmtp
default_internal_user = $user
default_internal_group = $group
default_login_user = $user
ssl = yes
ssl_cert = <$dir/tls.crt
ssl_key = <$dir/tls.key
disable_plaintext_auth = no
auth_mechanisms = $mechanisms
mail_location = maildir:$dir/mail/%u
mail_uid = $user
mail_gid = $group
first_valid_uid = 1
mailbox_idle_check_interval = 1 secs
imap_idle_notify_interval = 30 secs
$oauth
passdb {
  driver = passwd-file
  args = $dir/users
}
userdb {
  driver = static
  args = home=$dir/mail/%u
}
namespace inbox {
  inbox = yes
  mailbox Sent {
    special_use = \\Sent
    auto = subscribe
  }
  mailbox Junk {
    special_use = \\Junk
    auto = subscribe
  }
}
service auth {
  unix_listener exim {
    mode = 0600
  }
}
service anvil {
  chroot =
}
service imap-login {
  chroot =
  inet_listener imap {
    port = $imap
  }
  inet_listener imaps {
    port = $imaps
    ssl = yes
  }
}
service lmtp {
  inet_listener lmtp {
    address = 127.0.0.1
    port = $lmtp
  }
}
service stats {
  chroot =
}
C
cat >"$dir/exim.conf" <<C
exim_path = $(command -v exim4)
primary_hostname = localhost
spool_directory = $dir/exim
log_file_path = $dir/exim-%slog
pid_file_path = $dir/exim.pid
exim_user = $user
exim_group = $group
deliver_drop_privilege = true
never_users =
domainlist local_domains = brand.test : customer.test
local_interfaces = 127.0.0.1
daemon_smtp_ports = $smtp : $smtps
tls_on_connect_ports = $smtps
tls_advertise_hosts = *
tls_certificate = $dir/tls.crt
tls_privatekey = $dir/tls.key
host_lookup =
rfc1413_query_timeout = 0s
message_size_limit = 10M
acl_smtp_rcpt = rcpt
begin acl
rcpt:
  deny    message = authentication required
          !authenticated = *
  accept  domains = +local_domains
  deny    message = relay not permitted: this machine has no other mail to send to
begin routers
local:
  driver = manualroute
  route_list = +local_domains 127.0.0.1
  self = send
  transport = dovecot
begin transports
dovecot:
  driver = smtp
  protocol = lmtp
  port = $lmtp
  hosts_try_fastopen =
  allow_localhost
begin retry
* * F,1m,5s
begin authenticators
$(for m in $mechanisms; do printf '%s:\n  driver = dovecot\n  public_name = %s\n  server_socket = %s\n  server_set_id = $auth1\n' "$m" "${m^^}" "$dir/run/exim"; done)
C
[ "$(id -u)" = 0 ] && chown -R "$user:$group" "$dir" && chown root "$dir/exim.conf"

"${as[@]}" dovecot -F -c "$dir/dovecot.conf" >>"$dir/start.log" 2>&1 &
d=$!
"${as[@]}" exim4 -C "$dir/exim.conf" -bdf -q5s >>"$dir/start.log" 2>&1 &
e=$!
trap 'kill -TERM $d $e 2>/dev/null || true' TERM INT
for p in $imap $smtp $lmtp; do
  for _ in $(seq 100); do
    (exec 3<>"/dev/tcp/127.0.0.1/$p") 2>/dev/null && break
    if ! kill -0 $d 2>/dev/null || ! kill -0 $e 2>/dev/null; then
      tail -n 5 "$dir"/*.log >&2; kill -TERM $d $e 2>/dev/null || true; exit 1
    fi
    sleep 0.1
  done
done
python3 - "$d" "$e" "$imap" "$imaps" "$smtp" "$smtps" "$lmtp" "$dir/ca.crt" $accounts <<'P'
import json, sys
d, e, imap, imaps, smtp, smtps, lmtp = map(int, sys.argv[1:8])
acc = {n: dict(address=a, user=a, password=a.split("@")[0] + "-pass")
       for n, a in zip(("brand", "customer", "customer2"), sys.argv[9:])}
print(json.dumps(dict(ready=True, pids=[d, e], host="127.0.0.1", imap_port=imap, imaps_port=imaps, smtp_port=smtp,
                      smtps_port=smtps, lmtp_port=lmtp, ca_file=sys.argv[8], accounts=acc)), flush=True)
P
rc=0
for p in $d $e; do while kill -0 "$p" 2>/dev/null; do wait "$p" && rc=0 || rc=$?; done; done
exit "$rc"
