#!/bin/sh
# Makes what `docker compose up` needs and no repository may hold: every password, key and certificate, and .env.
#
#   sudo deploy/compose/first-run.sh NAME…
#
# NAMES are those by which phones and browsers reach this machine (DNS names or addresses), the first one that which
# links in pages carry. Needs root, as each file is given to the number that its container runs as and to nobody else.
# It refuses where .env is there already: a second set of passwords would lock the first one's data up.
set -eu
umask 077
here=$(cd "$(dirname "$0")" && pwd)

if [ $# -lt 1 ]; then
  sed -n '2,8s/^# \{0,1\}//p' "$0" >&2
  exit 2
fi
[ "$(id -u)" -eq 0 ] || { echo "first-run.sh: run it as root: sudo $0 $*" >&2; exit 1; }
[ ! -e "$here/.env" ] || {
  echo "first-run.sh: $here/.env is there; nothing was touched. To begin anew, and lose all data: docker compose" \
    "down --volumes, then take .env and secrets/ away" >&2
  exit 1
}
[ ! -e "$here/secrets" ] || { echo "first-run.sh: $here/secrets is there without .env; take it away" >&2; exit 1; }

names=$(printf '%s,' "$@")
"$here/../secrets.sh" "$here/secrets" kafka-1,kafka-2,kafka-3 "${names}gateway,console,localhost,127.0.0.1" postgres
cd "$here/secrets"

# As Kafka makes them: 16 bytes in URL-safe base64; never with a hyphen first, which its tool would take for an option.
mkdir broker
printf 'S%s\n' "$(openssl rand -base64 16 | tr '+/' '-_' | cut -c 2-22)" >broker/cluster-id
cp kafka/broker.pem kafka/ca.pem kafka/passwords.properties kafka/broker-password broker
cp super/kafka broker/super-password
# Whom the watchdog calls, and how officers are reached: yours to fill in.
echo "# One address a line; docs/how-to/watchdog.md" >watchdog/alarms
echo "# docs/how-to/reach-your-officers.md" >sinks/channels.toml
echo "# docs/how-to/reach-your-officers.md; secrets that it names lie beside it" >console/answers.toml
mkdir alertmanager
echo "put the password of the mail server here" >alertmanager/smtp-password

# The numbers are those of `user:` in compose.yaml.
for process in gateway streams sinks console admin super auditor watchdog; do chown -R 10001:10001 "$process"; done
chown -R 1000:1000 broker
chown -R 999:999 postgres roles
chown -R 65534:65534 alertmanager
chown -R 472:472 grafana

# What containers read besides is no secret; a checkout under a strict umask would keep it from their numbers.
cd "$here"
chmod -R go+rX broker.properties broker.sh pg_hba.conf roles.sh prometheus grafana ../alertmanager ../grafana ../kafka \
  ../postgres ../prometheus

{
  echo "# Made by first-run.sh. No secret stands here: they are in secrets/, each for one container."
  echo "SIAGA_PUBLIC_NAME=$1"
} >"$here/.env"
echo "$here/secrets and .env are made. Keep secrets/ca.key away from this machine: nothing here needs it."
