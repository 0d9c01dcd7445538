#!/bin/sh
# Healthy means: it answers a user who may only ask whether it is there, and it has loaded its data.
[ "$(REDISCLI_AUTH=none /usr/bin/redis-cli -s "$REDIS_SOCKET" --user health PING)" = PONG ]
