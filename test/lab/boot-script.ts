/**
 * How a host comes up: from a fresh set of namespaces to a root of its own with sshd.
 *
 * Runs as the first process of the host, sees the machine's files until `pivot_root`, then becomes tini, which reaps what PODs leave behind.
 * Arguments: name, tree, the host's directory, then `controller=options` for each cgroup v1 hierarchy.
 */
export const bootScript = `
set -eu
name=$1 tree=$2 directory=$3; shift 3
# /proc is still the machine's, so this is the pid seen from outside; a record appears whole or not at all
read -r -a stat </proc/self/stat
echo "\${stat[0]} \${stat[21]} $(</proc/sys/kernel/random/boot_id)" >"$directory/pid.new"
mv "$directory/pid.new" "$directory/pid"

mount -t overlay zap-lab -o "lowerdir=$tree,upperdir=$directory/upper,workdir=$directory/work" "$directory/root"
cd "$directory/root"
mkdir -p var/lib/zap
if [ -e "$directory/disk.img" ]; then
  mount -o loop "$directory/disk.img" var/lib/zap
else
  mount --bind "$directory/disk" var/lib/zap
fi
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=1777 tmpfs tmp
mount -t tmpfs -o mode=755 tmpfs dev
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts dev/pts
mount -t tmpfs -o mode=1777 tmpfs dev/shm
while read -r device minor; do mknod -m 666 "dev/$device" c 1 "$minor"; done <<X
null 3
zero 5
full 7
random 8
urandom 9
X
mknod -m 666 dev/tty c 5 0
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
ln -s fd/0 dev/stdin; ln -s fd/1 dev/stdout; ln -s fd/2 dev/stderr
mkdir -p run/sshd run/lock run/zap-lab/proc run/zap-lab/machine

mount -t cgroup2 cgroup2 sys/fs/cgroup
[ ! -d sys/fs/cgroup/init ] || echo 0 >sys/fs/cgroup/init/cgroup.procs
for hierarchy; do
  mkdir -p "run/cgroup-v1/\${hierarchy%%=*}"
  mount -t cgroup -o "\${hierarchy#*=}" cgroup "run/cgroup-v1/\${hierarchy%%=*}"
done

# A proc with something mounted over its files may not be mounted again by a user namespace (a POD's) unless the mount namespace also holds a bare one.
mount -t proc proc run/zap-lab/proc
cat /proc/sys/kernel/random/uuid >run/zap-lab/boot_id
mount --bind run/zap-lab/boot_id proc/sys/kernel/random/boot_id
echo "$name" >proc/sys/kernel/hostname
echo "$name" >etc/hostname
echo 1 >proc/sys/net/ipv4/ip_forward
echo '0 2147483647' >proc/sys/net/ipv4/ping_group_range
for switch in proc/sys/net/bridge/bridge-nf-call-*; do [ ! -e "$switch" ] || echo 0 >"$switch"; done
ip link set lo up

install -m 600 "$directory/ssh_host_ed25519_key" etc/ssh/
install -m 644 "$directory/ssh_host_ed25519_key.pub" "$directory/lab_authorized_keys" etc/ssh/

pivot_root . run/zap-lab/machine
cd /
umount -l /run/zap-lab/machine
rmdir /run/zap-lab/machine
exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 tini -- sh -c '/usr/sbin/sshd -E /var/log/sshd.log; exec sleep infinity' </dev/null >/dev/null 2>&1
`;

/** Joins each cgroup named before `--` and becomes the program after it. */
export const joinThenExec = `while [ "$1" != -- ]; do echo 0 >"$1"; shift; done; shift; exec "$@"`;
