#!/bin/sh
# Make the image abode/base:trixie: pulled where a registry answers, else built from Debian packages.
set -eu
image=$1
docker image inspect "$image" >/dev/null 2>&1 && exit 0
upstream=debian:trixie-slim
limit=; command -v timeout >/dev/null 2>&1 && limit="timeout 120"
if $limit docker pull -q "$upstream" >/dev/null 2>&1; then
    docker tag "$upstream" "$image"
    exit 0
fi
if ! command -v mmdebstrap >/dev/null 2>&1; then
    echo "no registry answers for $upstream and mmdebstrap is not installed" >&2
    echo "  hint: log in to a registry mirror, or install mmdebstrap (Debian, Ubuntu) and deploy again" >&2
    exit 3
fi
mmdebstrap --quiet --variant=minbase trixie - | docker import -c 'CMD ["bash"]' - "$image" >/dev/null
