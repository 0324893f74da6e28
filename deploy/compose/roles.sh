#!/bin/sh
# The roles of the database, and the passwords they have in files: again at every start, so that a new password counts.
set -eu
secrets=/etc/siaga/secrets
PGPASSWORD=$(cat "$secrets/administrator")
export PGPASSWORD
as_administrator() {
  psql "host=postgres dbname=siaga user=postgres sslmode=verify-full sslrootcert=$secrets/ca.crt" \
    --quiet --no-psqlrc --output /dev/null -v ON_ERROR_STOP=1 "$@"
}

as_administrator -f /etc/siaga/roles.sql
for pair in admin:siaga_owner sinks:siaga_sinks console:siaga_console auditor:siaga_auditor; do
  # On stdin: a password on a command line can be read by everybody.
  printf "ALTER ROLE %s PASSWORD '%s';\n" "${pair#*:}" "$(cat "$secrets/${pair%:*}")" | as_administrator -f -
done
echo "the roles have their passwords"
