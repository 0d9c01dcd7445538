#!/bin/sh
# Pin every dependency with its hashes. Run it after a change of [dependency-groups]: make lock
set -eu
cd "$(dirname "$0")/.."
compile() { uv pip compile -q --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links --group "$1" -o "locks/$1.txt" ${2:-} ${3:-} ${4:-} ${5:-}; }
# The Pi and the container are Linux on Python 3.11 to 3.13; one list without markers fits both.
for group in pi i2c mac; do compile $group --python-platform x86_64-manylinux_2_28 --python-version 3.13; done
for group in deploy paper dev; do compile $group --universal --python-version 3.11; done
