#!/bin/sh
# MySQL 9.7 from Debian sid, the only suite that has it.
recipes=$(cd "$(dirname "$0")/.." && pwd)
. "$recipes/recipe.sh"

unpack sid mysql-server-core mysql-client-core

# What a lab does not need: the bulky half of the tools and plugins.
cd "$root"
rm -rf usr/bin/myisam* usr/bin/innochecksum usr/bin/mysql_migrate_keyring usr/bin/mysql_secure_installation \
	usr/bin/mysql_tzinfo_to_sql usr/lib/mysql/plugin/authentication_*_client.so usr/lib/mysql/plugin/*telemetry*
cd /

user mysql 999
for dir in /srv/mysql /var/run/mysqld /var/lib/mysql-files; do
	mkdir -p "$root$dir"
	chown 999:999 "$root$dir"
done

say "initialising the data directory"
# A small redo log to begin with: the server resizes it at its first start when
# its configuration says so. Without auto.cnf every server makes its own UUID.
inside mysqld --no-defaults --initialize-insecure --user=mysql --datadir=/srv/mysql \
	--disable-log-bin --innodb-redo-log-capacity=8M >"$work/log" 2>&1 || die "initialise the data directory: mysqld says why above" "$work/log"
rm "$root/srv/mysql/auto.cnf"

image "$(inside mysqld --no-defaults --version | sed 's/.*Ver \([0-9.]*\).*/\1/')"
