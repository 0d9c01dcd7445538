#!/bin/sh
# Make the image abode/base:trixie: pulled where a registry answers, else built from Debian packages.
# Says which it was; docker's own reason for a failed pull is on stderr.
set -eu
image=$1
docker image inspect "$image" >/dev/null 2>&1 && exit 0
upstream=debian:trixie-slim
there=; docker image inspect "$upstream" >/dev/null 2>&1 && there=yes
limit=; command -v timeout >/dev/null 2>&1 && limit="timeout 120"
if $limit docker pull -q "$upstream" >/dev/null; then
    docker tag "$upstream" "$image"
    # The name is ours to remove only if the pull brought it; the image stays under our own.
    [ "$there" ] || docker rmi "$upstream" >/dev/null
    echo pulled
    exit 0
elif [ $? -eq 124 ]; then
    echo "docker pull $upstream: no answer within 120 s" >&2
fi
if ! command -v mmdebstrap >/dev/null 2>&1; then
    echo "no registry answers for $upstream and mmdebstrap is not installed" >&2
    echo "  hint: log in to a registry mirror, or install mmdebstrap (Debian, Ubuntu) and deploy again" >&2
    exit 3
fi
# By way of a file: docker would import the half of a pipe that broke, and call it Debian for ever.
tar=$(mktemp)
trap 'rm -f "$tar"' EXIT
trap 'exit 1' HUP INT TERM
mmdebstrap --quiet --variant=minbase trixie - >"$tar"
docker import -c 'CMD ["bash"]' - "$image" <"$tar" >/dev/null
echo built
