#!/bin/sh
# MySQL 9.7 from Debian sid, the only suite that has it.
recipes=$(cd "$(dirname "$0")/.." && pwd)
. "$recipes/recipe.sh"

unpack sid mysql-server-core mysql-client-core

# Each of the tools and plugins is 7 MB. What stays is what a person who looks
# into a server uses: mysql, mysqladmin, mysqlbinlog, mysqldump, mysqlslap.
(
	cd "$root/usr"
	rm -f bin/myisam* bin/ibd2sdi bin/innochecksum bin/my_print_defaults bin/mysql_* bin/mysqlcheck bin/mysqlimport \
		bin/mysqlshow bin/perror lib/mysql/plugin/authentication_*_client.so lib/mysql/plugin/*telemetry*
)

user mysql 999
for dir in /srv/mysql /var/run/mysqld /var/lib/mysql-files; do
	mkdir -p "$root$dir"
	chown 999:999 "$root$dir"
done

say "initialising the data directory"
# The redo log is small until a server starts with the size of its configuration.
# Without auto.cnf each server gives itself a UUID of its own.
inside mysqld --no-defaults --initialize-insecure --user=mysql --datadir=/srv/mysql \
	--disable-log-bin --innodb-redo-log-capacity=8M >"$work/log" 2>&1 || die "initialise the data directory: mysqld says why" "$work/log"
rm "$root/srv/mysql/auto.cnf"

image "$(inside mysqld --no-defaults --version | sed 's/.*Ver \([0-9.]*\).*/\1/')"
