#!/bin/sh
# Redis 8 from Debian sid.
recipes=$(cd "$(dirname "$0")/.." && pwd)
. "$recipes/recipe.sh"

unpack sid redis-server redis-tools

user redis 999
mkdir -p "$root/srv/redis"
chown 999:999 "$root/srv/redis"

image "$(inside redis-server --version | sed 's/.* v=\([0-9.]*\).*/\1/')"
