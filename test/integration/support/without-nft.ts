/** Takes a program away with its package, and makes a repository on the host itself that has the package once `index` is in its place. */
export const withoutNft = String.raw`
set -eu
mkdir -p /srv/suite/root/DEBIAN /srv/suite/root/usr/sbin
cp /usr/sbin/nft /srv/suite/root/usr/sbin/
dpkg --purge --force-all nftables >/dev/null 2>&1
cat >/srv/suite/root/DEBIAN/control <<X
Package: nftables
Version: 99
Architecture: $(dpkg --print-architecture)
Maintainer: suite <suite@example.org>
Depends: libnftables1
Description: the program that the host had, in a package of its own
X
cd /srv/suite
dpkg-deb --build root nftables.deb >/dev/null
{ dpkg-deb --field nftables.deb; echo "Filename: ./nftables.deb"; echo "Size: $(stat -c %s nftables.deb)"; echo "SHA256: $(sha256sum nftables.deb | cut -d ' ' -f 1)"; } >index
: >Packages
mv /etc/apt/sources.list /etc/apt/sources.list.away
echo 'deb [trusted=yes] file:/srv/suite ./' >/etc/apt/sources.list
`;
