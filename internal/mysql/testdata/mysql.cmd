sh
-ec

rm -f /var/run/mysqld/mysqld.sock /var/run/mysqld/mysqld.sock.lock
if [ ! -d /srv/mysql/mysql ]; then
  mkdir -p /srv/mysql
  chown mysql /srv/mysql
  mysqld --no-defaults --initialize-insecure --user=mysql --datadir=/srv/mysql
fi
printf '[auto]\nserver-uuid=%s\n' "$1" > /srv/mysql/auto.cnf
exec mysqld --defaults-file=/etc/faultlab/my.cnf --user=mysql

sh
dd6b19df-0000-4000-8000-000000000001