"""The POD's private places: /tmp, /var, /etc, /proc, /dev, and what of the machine must not be seen."""
import os
import socket
import stat

from native import status_of
from probe import Case, case, ensure, expect

LOWER = '/usr/lib/probe/lower'


@case('changes in /tmp, /var, /etc and /usr are kept')
class Changes(Case):
    made = {'/tmp/probe-private': 'tmp', '/var/lib/probe-private': 'var', '/etc/probe-private': 'etc', '/usr/share/probe-private': 'usr', '/run/probe-private': 'run'}

    def setup(self):
        for path, text in self.made.items():
            with open(path, 'w') as file:
                file.write(text)
        with open('/etc/hosts', 'a') as file:
            file.write('192.0.2.1 added-by-probe\n')

    def facts(self):
        return {path: open(path).read() for path in (*self.made, '/etc/hosts')}

    def check(self):
        ensure('added-by-probe' in open('/etc/hosts').read(), 'the line added to /etc/hosts')


@case('what was deleted, replaced or renamed in the environment stays so')
class Whiteouts(Case):
    def setup(self):
        os.unlink(f'{LOWER}/gone')
        os.rename(f'{LOWER}/renamed', f'{LOWER}/renamed-to')
        os.unlink(f'{LOWER}/replaced/old')
        os.rmdir(f'{LOWER}/replaced')
        os.mkdir(f'{LOWER}/replaced')
        open(f'{LOWER}/replaced/new', 'w').close()

    def facts(self):
        return {'here': sorted(name for name in os.listdir(LOWER) if name.startswith(('gone', 'rename', 'replaced'))),
                'inside': os.listdir(f'{LOWER}/replaced'), 'renamed': open(f'{LOWER}/renamed-to').read()}

    def check(self):
        expect(os.listdir(f'{LOWER}/replaced'), ['new'], 'the new directory')


@case('/dev has the few devices that can move, and no other')
class Devices(Case):
    wanted = {'full', 'null', 'random', 'tty', 'urandom', 'zero'}
    unsupported = ('mem', 'kmem', 'port', 'kvm', 'dri', 'fuse', 'net/tun', 'loop0', 'loop-control', 'sda', 'vda', 'snd', 'video0', 'input', 'uinput', 'fb0', 'rtc',
                   'rtc0', 'hpet', 'kmsg', 'console0', 'vhost-net', 'vsock', 'userfaultfd', 'mapper', 'bus', 'cpu', 'watchdog', 'ppp', 'btrfs-control')

    def facts(self):
        found = {}
        for name in sorted(os.listdir('/dev')):
            state = os.lstat(f'/dev/{name}')
            if name not in ('pts', 'shm'):  # what is in them comes and goes
                found[name] = (stat.filemode(state.st_mode), os.major(state.st_rdev), os.minor(state.st_rdev))
        return found

    def check(self):
        expect([name for name in self.unsupported if os.path.lexists(f'/dev/{name}')], [], 'devices that cannot move')
        devices = {name for name in os.listdir('/dev') if stat.S_ISCHR(os.stat(f'/dev/{name}').st_mode) and not os.path.islink(f'/dev/{name}')}
        expect(sorted(self.wanted - devices), [], 'devices that are missing')
        for mode, number in ((stat.S_IFBLK, os.makedev(254, 0)), (stat.S_IFCHR, os.makedev(1, 1))):
            try:
                os.mknod('/dev/probe', mode | 0o600, number)
            except PermissionError:
                continue
            os.unlink('/dev/probe')
            ensure(False, 'a device could be made')
        with open('/dev/zero', 'rb') as zero, open('/dev/null', 'wb') as null, open('/dev/urandom', 'rb') as random:
            expect(zero.read(4), bytes(4), '/dev/zero')
            null.write(b'gone')
            ensure(random.read(16) != random.read(16), '/dev/urandom repeats itself')


@case('/proc shows the POD: its init, its ids, its host name')
class Proc(Case):
    def facts(self):
        return {'init': open('/proc/1/comm').read(), 'uid map': open('/proc/self/uid_map').read().split(), 'gid map': open('/proc/self/gid_map').read().split(),
                'host name': open('/proc/sys/kernel/hostname').read(), 'name of the node': os.uname().nodename, 'by socket': socket.gethostname(),
                'own': status_of('self', 'Uid', 'Gid', 'NSpid')}

    def check(self):
        for name in ('kcore', 'sysrq-trigger'):
            try:
                with open(f'/proc/{name}', 'r+b') as file:
                    ensure(not file.read(1), f'/proc/{name} can be read')
            except (PermissionError, OSError):
                pass


@case('the mount table stays the same')
class Mounts(Case):
    def facts(self):
        with open('/proc/self/mounts') as file:
            rows = [line.split() for line in file]
        return {'mounts': sorted((where, kind, sorted(set(options.split(',')) & {'ro', 'rw', 'nosuid', 'nodev', 'noexec'})) for _, where, kind, options, *_ in rows)}

    def check(self):
        for path in ('/sys/probe', '/proc/sys/probe'):
            try:
                open(path, 'w')
            except OSError:
                continue
            ensure(False, f'{path} could be made')


@case('nothing of the machine is seen: no host files, no other processes, no host address')
class Machine(Case):
    def check(self):
        ensure(not os.path.exists('/var/lib/zap'), "the helper's directory is seen")
        for name in os.listdir('/proc'):
            if name.isdigit() and int(name) > 1:
                try:
                    ensure(len(status_of(name, 'NSpid')['NSpid'].split()) == 1, f'process {name} is not in the namespace of the POD')
                except (FileNotFoundError, ProcessLookupError):
                    pass
        with open('/proc/net/dev') as file:
            devices = sorted(line.split(':')[0].strip() for line in file.readlines()[2:])
        expect(set(devices) - {'lo', 'eth0'}, set(), 'network devices beyond the own')
