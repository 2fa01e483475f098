# Unpacks one Debian package: sh unpack.sh ROOT PACKAGE.deb
set -eu
dpkg-deb --fsys-tarfile "$2" | tar -C "$1" --numeric-owner --keep-directory-symlink -x \
	--exclude='./usr/share/doc/*' --exclude='./usr/share/man/*' --exclude='./usr/share/info/*' \
	--exclude='./usr/share/locale/*' --exclude='./usr/share/lintian/*' --exclude='./usr/share/bug/*'
