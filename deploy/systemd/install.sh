#!/bin/bash
# From a bare Debian 12 machine to a running Siaga on Apache Kafka and PostgreSQL, without containers.
#
#   sudo deploy/systemd/install.sh [--fetch] [NAME[,NAME…]]
#
# With --fetch it only brings what comes over the network and ends; without a network it goes on from there later. The
# names are those by which phones and browsers reach this machine (DNS names or addresses; default: its own). Run it
# again after an upgrade of Siaga: secrets, data and settings that are there stay as they are. Where systemd is not what
# runs the machine (a container, a chroot), it does everything but start the services, and says which they are.
set -euo pipefail
# Programs and settings are read by the processes' own users, however strict root's umask is; secrets are made closed.
umask 022
cd "$(dirname "$0")/../.."
source_tree=$PWD
fetch_only=no
if [ "${1:-}" = --fetch ]; then
  fetch_only=yes
  shift
fi
names=${1:-$(hostname),localhost,127.0.0.1}
prefix=/opt/siaga
etc=/etc/siaga

[ "$(id -u)" -eq 0 ] || { echo "run it as root: sudo $0" >&2; exit 1; }
say() { printf '\n== %s\n' "$*"; }
running_systemd() { [ -d /run/systemd/system ]; }

say "packages of Debian"
wanted=(default-jre-headless maven openssl postgresql python3 python3-venv)
missing=()
for package in "${wanted[@]}"; do
  dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
command -v java >/dev/null && missing=("${missing[@]/default-jre-headless/}")
command -v mvn >/dev/null && missing=("${missing[@]/maven/}")
read -r -a missing <<<"${missing[*]}"
if [ ${#missing[@]} -gt 0 ]; then
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
fi

say "Siaga into $prefix/venv"
# Debian's own: another may lie where the services' users cannot read.
python=/usr/bin/python3
install -d -m 0755 "$prefix" "$prefix/libexec" "$prefix/kafka"
[ -x "$prefix/venv/bin/python" ] || "$python" -m venv "$prefix/venv"
pip=("$prefix/venv/bin/python" -m pip --disable-pip-version-check --quiet install)
"${pip[@]}" --require-hashes -r "$source_tree/requirements.lock"
build=$(mktemp -d)
trap 'rm -rf "$build"' EXIT
# Built from a copy, so that nothing is left in the source tree.
cp -r siaga producers streams sinks console pyproject.toml README.md LICENSE "$build"
"${pip[@]}" --no-deps --no-build-isolation --force-reinstall "$build"
rm -rf "$prefix/docs"
cp -r docs "$prefix/docs"
install -m 0755 deploy/systemd/libexec/* "$prefix/libexec"

say "Apache Kafka into $prefix/kafka"
if ! compgen -G "$prefix/kafka/kafka_2.13-$(sed -n 's#.*<kafka.version>\(.*\)</kafka.version>.*#\1#p' deploy/kafka/pom.xml).jar" >/dev/null; then
  rm -f "$prefix"/kafka/*.jar
  mvn -q -B -f deploy/kafka/pom.xml dependency:copy-dependencies -DoutputDirectory="$prefix/kafka"
fi
install -m 0644 deploy/kafka/log4j2.xml "$prefix/kafka/log4j2.xml"

if [ "$fetch_only" = yes ]; then
  exit 0
fi

say "users, settings and secrets"
install -d /usr/lib/sysusers.d /usr/lib/tmpfiles.d "$etc"
install -m 0644 deploy/systemd/siaga.sysusers /usr/lib/sysusers.d/siaga.conf
install -m 0644 deploy/systemd/siaga.tmpfiles /usr/lib/tmpfiles.d/siaga.conf
systemd-sysusers siaga.conf
[ -e "$etc/siaga.toml" ] ||
  sed "s#https://localhost:8080#https://${names%%,*}:8080#" deploy/systemd/siaga.toml >"$etc/siaga.toml"
deploy/secrets.sh "$etc/secrets" localhost,127.0.0.1 "$names" localhost,127.0.0.1
install -m 0600 "$etc/secrets/super/kafka" "$etc/secrets/kafka/super-password"
install -m 0644 "$etc/secrets/ca.crt" "$etc/ca.crt"
{
  cat deploy/kafka/one-broker.properties
  sed 's#/etc/kafka/secrets#/etc/siaga/secrets/kafka#' deploy/kafka/security.properties
} >"$etc/kafka.properties"
systemd-tmpfiles --create siaga.conf

say "PostgreSQL"
version=$(pg_lsclusters -h | awk '$2 == "main" {print $1}' | tail -n 1)
if [ -z "$version" ]; then
  version=$(find /usr/lib/postgresql -mindepth 1 -maxdepth 1 -printf '%f\n' | sort -V | tail -n 1)
  pg_createcluster "$version" main >/dev/null
fi
postgres_etc=/etc/postgresql/$version/main
install -o postgres -g postgres -m 0600 "$etc/secrets/postgres/server.key" "$postgres_etc/siaga.key"
install -o postgres -g postgres -m 0644 "$etc/secrets/postgres/server.crt" "$postgres_etc/siaga.crt"
cat >"$postgres_etc/conf.d/siaga.conf" <<CONF
ssl = on
ssl_cert_file = '$postgres_etc/siaga.crt'
ssl_key_file = '$postgres_etc/siaga.key'
password_encryption = 'scram-sha-256'
CONF
if running_systemd; then systemctl restart postgresql; else pg_ctlcluster "$version" main restart; fi
port=$(pg_lsclusters -h | awk -v v="$version" '$1 == v && $2 == "main" {print $3}')
[ "$port" = 5432 ] || echo "PostgreSQL listens on $port: write it behind 127.0.0.1 in the units' SIAGA_DATABASE" >&2
as_postgres() { (cd / && runuser -u postgres -- psql --port "$port" --quiet --no-psqlrc -v ON_ERROR_STOP=1 "$@"); }
[ "$(as_postgres -Atc "SELECT count(*) FROM pg_database WHERE datname = 'siaga'")" = 1 ] ||
  as_postgres -c 'CREATE DATABASE siaga'
as_postgres -d siaga -f - <deploy/postgres/roles.sql
for pair in admin:siaga_owner sinks:siaga_sinks console:siaga_console auditor:siaga_auditor; do
  # On stdin: a password on a command line can be read by everybody.
  printf "ALTER ROLE %s PASSWORD '%s';\n" "${pair#*:}" "$(cat "$etc/secrets/${pair%:*}/database")" | as_postgres -f -
done

say "services"
install -m 0644 deploy/systemd/*.service deploy/systemd/siaga.target /etc/systemd/system/
ln -sf "$prefix/venv/bin/siaga" /usr/local/bin/siaga
ln -sf "$prefix/libexec/siaga-as" /usr/local/bin/siaga-as
if running_systemd; then
  systemctl daemon-reload
  systemctl enable --quiet siaga.target siaga-kafka siaga-gateway siaga-streams@0 siaga-sinks siaga-console siaga-watchdog
  systemctl restart siaga.target siaga-kafka siaga-rights siaga-schema siaga-gateway siaga-streams@0 siaga-sinks \
    siaga-console siaga-watchdog
else
  echo "systemd does not run here. Start what siaga.target names, after siaga-kafka, siaga-rights and siaga-schema."
fi
echo
echo "Keep $etc/secrets/ca.key away from this machine: nothing here needs it until a certificate has to be made."
echo "Next: sudo siaga-as admin siaga registry load DIR, then … siaga user add; docs/how-to/one-machine.md"
