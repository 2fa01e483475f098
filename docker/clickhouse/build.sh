#!/bin/sh
# ClickHouse 26.7: the engine that the npm packages of chDB hold, made a server.
recipes=$(cd "$(dirname "$0")/.." && pwd)
. "$recipes/recipe.sh"

version=26.7.3-stable.1
case $(dpkg --print-architecture) in
amd64)
	package=@chdb/lib-linux-x64-gnu
	sum=5cff7b98caa7739b59a4a432c11f0dedc2d3b073624e61ebdf4a42e66ce8de35a6ba48ca9f62016bad1cd81fe059435cb858ce3235a8a2b408082a81563e70a7
	;;
arm64)
	package=@chdb/lib-linux-arm64-gnu
	sum= # not seen yet: npm checks the one that its registry has
	;;
*) die "chDB has no library for $(dpkg --print-architecture)" ;;
esac

need npm=npm "gcc=gcc libc6-dev"
say "downloading $package $version, 180 MB"
mkdir "$work/npm"
cd "$work/npm"
npm pack --silent --fetch-retries 1 "$package@$version" >"$work/log" 2>&1 || die "download $package: npm says why" "$work/log"
[ -z "$sum" ] || echo "$sum  $(ls)" | sha512sum --check --status || die "$package $version is not the file that this recipe knows"
say "unpacking it, 570 MB"
tar -xzf *.tgz package/libchdb.so

unpack sid libc6
mv package/libchdb.so "$root/usr/lib"
say "building the launcher"
gcc -O2 -Wall -Wextra -Werror -o "$root/usr/bin/clickhouse" "$recipes/clickhouse/clickhouse.c" -L"$root/usr/lib" -lchdb
cd /

user clickhouse 101
mkdir -p "$root/srv/clickhouse"
chown 101:101 "$root/srv/clickhouse"

image "$(inside clickhouse local --query 'SELECT version()')"
