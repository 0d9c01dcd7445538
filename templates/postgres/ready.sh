#!/bin/sh
# Healthy means: a query ran.
exec psql -qAtX -U postgres -d postgres -c 'SELECT 1' >/dev/null
