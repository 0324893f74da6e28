#!/bin/sh
# Makes every secret of an installation that is not there yet: passwords, an authority, certificates, the key of links.
#
#   deploy/secrets.sh DIRECTORY [KAFKA_NAME[,NAME…] [WEB_NAME[,NAME…] [POSTGRES_NAME[,NAME…]]]]
#
# The names are those by which brokers, gateway and command centre, and PostgreSQL are reached (DNS or IP addresses;
# default: localhost, 127.0.0.1). What is there is never touched, so it may be run again; a file that was taken away is
# made anew. A directory per process: give each its own and no other. Needs openssl, and nothing else.
set -eu
umask 077

if [ $# -lt 1 ]; then
  sed -n '2,9s/^# \{0,1\}//p' "$0" >&2
  exit 2
fi
directory=$1
kafka_names=${2:-localhost,127.0.0.1}
web_names=${3:-localhost,127.0.0.1}
postgres_names=${4:-localhost,127.0.0.1}
mkdir -p "$directory"
cd "$directory"

made=0
note() { made=$((made + 1)); }

# A file that is half written is worse than none: each is made beside its place and then moved there.
password() {
  [ -s "$1" ] && return
  mkdir -p "$(dirname "$1")"
  openssl rand -hex 24 >"$1.new"
  mv "$1.new" "$1"
  note
}

copy() {
  mkdir -p "$(dirname "$2")"
  cmp -s "$1" "$2" && return
  cp "$1" "$2.new"
  mv "$2.new" "$2"
}

# subjectAltName of names separated by commas; an address is one of digits and dots, or has a colon.
alternative_names() {
  echo "$1" | tr ',' '\n' | while read -r name; do
    case $name in
      *:*) echo "IP:$name" ;;
      *[!0-9.]*) echo "DNS:$name" ;;
      *) echo "IP:$name" ;;
    esac
  done | paste -sd, -
}

# certificate FILE_WITHOUT_ENDING COMMON_NAME NAMES: signed by our authority for 397 days, for servers and clients.
certificate() {
  [ -s "$1.crt" ] && [ -s "$1.key" ] && return
  mkdir -p "$(dirname "$1")"
  openssl ecparam -name prime256v1 -genkey -noout | openssl pkcs8 -topk8 -nocrypt -out "$1.key.new"
  openssl req -new -key "$1.key.new" -subj "/CN=$2" -out "$1.csr"
  {
    echo "basicConstraints=critical,CA:FALSE"
    echo "keyUsage=critical,digitalSignature"
    echo "extendedKeyUsage=serverAuth,clientAuth"
    echo "subjectAltName=$(alternative_names "$3")"
  } >"$1.ext"
  openssl x509 -req -in "$1.csr" -CA ca.crt -CAkey ca.key -days 397 -sha256 \
    -set_serial "0x$(openssl rand -hex 16)" -extfile "$1.ext" -out "$1.crt.new" 2>/dev/null
  rm -f "$1.csr" "$1.ext"
  mv "$1.key.new" "$1.key"
  mv "$1.crt.new" "$1.crt"
  note
}

if [ ! -s ca.crt ] || [ ! -s ca.key ]; then
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1825 -sha256 -subj "/CN=Siaga" \
    -addext "basicConstraints=critical,CA:TRUE" -addext "keyUsage=critical,keyCertSign,cRLSign" \
    -keyout ca.key -out ca.crt 2>/dev/null
  note
fi

# Kafka: a user for each process (siaga-gateway and so on), one that brokers sign in to each other as, one that may all.
for process in gateway streams sinks console admin super; do
  password "$process/kafka"
done
password kafka/broker-password
printf 'broker=%s\n' "$(cat kafka/broker-password)" >kafka/passwords.properties
for process in gateway streams sinks console admin; do
  copy "$process/kafka" "super/passwords/$process"
done
certificate kafka/broker siaga-kafka "$kafka_names"
cat kafka/broker.key kafka/broker.crt >kafka/broker.pem
copy ca.crt kafka/ca.pem

# PostgreSQL: a role for each process that reads or writes it, and one that owns the tables.
for process in sinks console admin auditor; do
  password "$process/database"
done
password postgres/password
# Whoever gives the roles their passwords has them all, and the administrator's.
copy postgres/password roles/administrator
for process in sinks console admin auditor; do
  copy "$process/database" "roles/$process"
done
certificate postgres/server siaga-postgres "$postgres_names"

# HTTPS of the gateway and the command centre. Put your own certificates in their place where you have them.
for process in gateway console; do
  certificate "$process/tls" siaga "$web_names"
done

# Links in pages are signed by the sinks and checked by the command centre.
password sinks/link.key
copy sinks/link.key console/link.key

password grafana/password

for process in gateway streams sinks console admin super auditor watchdog kafka postgres roles; do
  copy ca.crt "$process/ca.crt"
done
echo "$directory: $made made, the rest was there"
