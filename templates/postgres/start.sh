#!/bin/sh
# Create the cluster once, then serve. Runs as postgres; configuration and keys lie in $ABODE_FILES.
set -eu
umask 077
if [ ! -f "$PGDATA/PG_VERSION" ]; then
    # A cluster that was cut short while being made is made again.
    find "$PGDATA" -mindepth 1 -delete
    initdb --pgdata="$PGDATA/.new" --encoding=UTF8 --locale=C.UTF-8 --data-checksums \
           --auth-local=peer --auth-host=scram-sha-256 --username=postgres >/dev/null
    # PG_VERSION moves last: it marks the cluster as whole.
    mv "$PGDATA/.new/PG_VERSION" "$PGDATA/.new.PG_VERSION"
    find "$PGDATA/.new" -mindepth 1 -maxdepth 1 -exec mv -t "$PGDATA" {} +
    rmdir "$PGDATA/.new"
    mv "$PGDATA/.new.PG_VERSION" "$PGDATA/PG_VERSION"
fi
exec postgres -D "$PGDATA" -c config_file=$ABODE_FILES/postgresql.conf
