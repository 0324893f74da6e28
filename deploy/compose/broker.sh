#!/bin/sh
# One of the three brokers: broker.sh NUMBER. Writes its properties, prepares its storage the first time (the cluster's
# id, and the two users that are there before any other can be made), and becomes Kafka.
set -eu
number=$1
name=kafka-$number
config=/tmp/broker.properties
secrets=/etc/kafka/secrets

{
  printf 'node.id=%s\n' "$number"
  printf 'listeners=SASL_SSL://%s:9092,CONTROLLER://%s:9093\n' "$name" "$name"
  printf 'advertised.listeners=SASL_SSL://%s:9092\n' "$name"
  cat /etc/siaga/broker.properties /etc/siaga/security.properties
} >"$config"

data=$(sed -n 's/^log\.dirs=//p' "$config")
if [ ! -e "$data/meta.properties" ]; then
  /opt/kafka/bin/kafka-storage.sh format --cluster-id "$(cat "$secrets/cluster-id")" --config "$config" \
    --add-scram "SCRAM-SHA-512=[name=siaga-broker,password=$(cat "$secrets/broker-password")]" \
    --add-scram "SCRAM-SHA-512=[name=siaga-super,password=$(cat "$secrets/super-password")]"
fi
exec /opt/kafka/bin/kafka-server-start.sh "$config"
