"""Ways out of a POD, and looks at what is not its own. Each is tried in a process of its own; prints {name: how it was refused, or "ESCAPED: …"} as JSON.

Arguments: the pid of a process of the host, the name of an abstract unix socket of the host. Run as root of the POD. System call numbers are those of x86-64.
"""
import ctypes
import errno
import fcntl
import glob
import json
import mmap
import os
import resource
import signal
import socket
import stat
import struct
import sys
import time

host_pid = int(sys.argv[1])
host_socket = sys.argv[2]
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
libc.mmap.restype = ctypes.c_size_t
attempts = {}


def attempt(function):
    attempts[function.__name__] = function
    return function


def raw(number, *arguments):
    result = libc.syscall(ctypes.c_long(number), *(ctypes.c_long(one) if isinstance(one, int) else one for one in arguments))
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def calls(name, number, *arguments):
    """The attempt is one system call, and its success is the escape."""
    attempts[name] = lambda: f'returned {raw(number, *arguments)}'


def writes(name, path, text):
    def write():
        with open(path, 'w') as file:
            file.write(text)
        return f'wrote {path}'
    attempts[name] = write


def reads(name, path, size=64):
    def read():
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        return f'read {os.read(fd, size)!r} from {path}'
    attempts[name] = read


def refuse(why):
    raise OSError(errno.EPERM, why)


NEWUSER, NEWNS, NEWPID, NEWNET, NEWIPC, NEWUTS, NEWCGROUP = 0x10000000, 0x20000, 0x20000000, 0x40000000, 0x8000000, 0x4000000, 0x2000000
for kind, flag in {'user': NEWUSER, 'mount': NEWNS, 'pid': NEWPID, 'network': NEWNET, 'ipc': NEWIPC, 'uts': NEWUTS, 'cgroup': NEWCGROUP}.items():
    calls(f'a new {kind} namespace', 272, flag)
calls('a new user namespace through clone', 56, NEWUSER | signal.SIGCHLD, 0, 0, 0, 0)
calls('a new user namespace through clone3', 435, ctypes.create_string_buffer(struct.pack('<11Q', NEWUSER, 0, 0, 0, signal.SIGCHLD, 0, 0, 0, 0, 0, 0)), 88)
for kind in ('net', 'mnt', 'pid', 'user'):
    attempts[f'joining its own {kind} namespace again, for its rights'] = lambda kind=kind: f'joined {raw(308, os.open(f"/proc/1/ns/{kind}", os.O_RDONLY), 0)}'
for kind in ('net', 'mnt'):
    attempts[f'the {kind} namespace of a process of the host'] = lambda kind=kind: f'joined {raw(308, os.open(f"/proc/{host_pid}/ns/{kind}", os.O_RDONLY), 0)}'


def mounting(name, kind, source, target='/mnt', flags=0, data=None):
    attempts[name] = lambda: f'mounted {raw(165, source, target.encode(), kind, flags, data or 0)}'


mounting('a new tmpfs', b'tmpfs', b'none')
mounting('a new proc', b'proc', b'none')
mounting('a new sysfs', b'sysfs', b'none')
mounting('the control groups', b'cgroup2', b'none')
mounting('a control group of version 1', b'cgroup', b'none', data=b'memory')
mounting('the debug file system', b'debugfs', b'none')
mounting('the trace file system', b'tracefs', b'none')
mounting('an overlay over its own', b'overlay', b'none', data=b'lowerdir=/etc,upperdir=/tmp,workdir=/var')
mounting('a bind mount', b'none', b'/proc', flags=4096)
mounting('making /proc/sys writable', b'none', b'none', target='/proc/sys', flags=32 | 4096)
calls('unmounting what covers /proc/sys', 166, b'/proc/sys', 2)
calls('another root by pivot_root', 155, b'/tmp', b'/tmp')
calls('a file system context', 430, b'tmpfs', 0)
calls('a copy of a mount', 428, -100, b'/', 1)
calls('moving a mount', 429, -100, b'/proc', -100, b'/mnt', 0)
calls('changing the ids of a mount', 442, -100, b'/', 0, ctypes.create_string_buffer(32), 32)


@attempt
def out_of_the_root_by_chroot():
    os.makedirs('/tmp/cell', exist_ok=True)
    before = os.stat('/')
    os.chroot('/tmp/cell')
    os.chdir('../../../../../../..')
    os.chroot('.')
    after = os.stat('/')
    return f'stands in inode {after.st_ino}' if (after.st_dev, after.st_ino) != (before.st_dev, before.st_ino) else refuse('it is the root of the POD')


for name, mode, major, minor in [('a disk', stat.S_IFBLK, 8, 0), ('the memory', stat.S_IFCHR, 1, 1), ('the kernel log', stat.S_IFCHR, 1, 11), ('a loop device', stat.S_IFBLK, 7, 0), ('a whiteout', stat.S_IFCHR, 0, 0)]:
    attempts[f'making {name}'] = lambda mode=mode, major=major, minor=minor: f'made {os.mknod("/tmp/device", mode | 0o666, os.makedev(major, minor))}'
for device in ('mem', 'kmsg', 'port', 'fuse', 'kvm', 'loop-control', 'vhost-net', 'vsock', 'sda', 'vda', 'mapper/control', 'snapshot', 'autofs', 'uinput'):
    reads(f'the device {device}', f'/dev/{device}')


@attempt
def a_tunnel_device():
    fd = os.open('/dev/net/tun', os.O_RDWR)
    fcntl.ioctl(fd, 0x400454CA, struct.pack('16sH14x', b'out', 2))
    return 'made one'


calls('loading a module', 175, ctypes.create_string_buffer(64), 64, b'')
attempts['loading a module from a file'] = lambda: f'loaded {raw(313, os.open("/etc/passwd", os.O_RDONLY), b"", 0)}'
calls('unloading a module', 176, b'dummy', 0)
calls('another kernel', 246, 0, 0, 0, 0)
attempts['another kernel from a file'] = lambda: f'loaded {raw(320, os.open("/etc/passwd", os.O_RDONLY), -1, 0, 0, 0)}'
calls('a restart', 169, 0xFEE1DEAD, 672274793, 0, 0)
calls('swap space', 167, b'/etc/passwd', 0)
calls('no swap space', 168, b'/etc/passwd')
calls('the kernel log by syslog', 103, 3, ctypes.create_string_buffer(100), 100)
calls('process accounting', 163, b'/tmp/acct')
calls('disk quotas', 179, 0x800002 << 8, b'/dev/sda', 0, 0)
calls('all ports', 172, 3)
calls('one port', 173, 0x80, 1, 1)
calls('the time of day', 164, ctypes.create_string_buffer(struct.pack('<2q', 1, 0)), 0)
calls('the clock', 227, 0, ctypes.create_string_buffer(struct.pack('<2q', 1, 0)))
calls('the speed of the clock', 159, ctypes.create_string_buffer(struct.pack('<I', 0x4000) + bytes(204)))
calls('another host name', 170, b'elsewhere', 9)
calls('a NIS domain', 171, b'elsewhere', 9)
calls('hanging up the terminal', 153)
attempts['a higher priority'] = lambda: f'got {os.setpriority(os.PRIO_PROCESS, 0, -20)}'
attempts['real-time scheduling'] = lambda: f'got {os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))}'


@attempt
def a_higher_limit():
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    raw(160, resource.RLIMIT_NOFILE, ctypes.create_string_buffer(struct.pack('<2Q', 1 << 20, 1 << 20)))
    return 'raised it'


calls('a keyring', 250, 0, -3, 1)
calls('adding a key', 248, b'user', b'name', b'secret', 6, -3)
calls('asking for a key', 249, b'user', b'name', 0, -3)
calls('a BPF map', 321, 0, ctypes.create_string_buffer(struct.pack('<4I', 2, 4, 4, 1) + bytes(112)), 128)
calls('a BPF program', 321, 5, ctypes.create_string_buffer(128), 128)
calls('a performance counter', 298, ctypes.create_string_buffer(struct.pack('<IIQ', 1, 128, 0) + bytes(112)), 0, -1, -1, 0)
calls('the pages of others by userfaultfd', 323, 0)
calls('io_uring', 425, 1, ctypes.create_string_buffer(120))
calls('watching a file system', 300, 0, 0)
calls('a file by its handle', 304, -100, ctypes.create_string_buffer(struct.pack('<Ii', 8, 1) + bytes(128)), 0)
calls('memory that the kernel cannot see', 447, 0)
calls('a mount by the calls of the other ABI', 165 | 0x40000000, b'none', b'/mnt', b'tmpfs', 0, 0)
calls('a trace of a process of the host', 101, 16, host_pid, 0, 0)
calls('a signal to a process of the host', 62, host_pid, 0)
calls('a handle on a process of the host', 434, host_pid, 0)


@attempt
def the_memory_of_a_process_of_the_host():
    here = ctypes.create_string_buffer(8)
    local, remote = (ctypes.create_string_buffer(struct.pack('<QQ', address, 8)) for address in (ctypes.addressof(here), 0x400000))
    return f'read {raw(310, host_pid, local, 1, remote, 1, 0)} bytes'


reads('what a process of the host was started with', f'/proc/{host_pid}/cmdline')
reads('the files of a process of the host', f'/proc/{host_pid}/root/etc/shadow')


@attempt
def any_process_that_is_not_its_own():
    own = {int(name) for name in os.listdir('/proc') if name.isdigit()}
    found = []
    for pid in range(2, 70000):
        try:
            os.kill(pid, 0)
        except OSError:
            continue
        if pid not in own and not os.path.exists(f'/proc/{pid}'):
            found.append(pid)
    return f'reaches {found}' if found else refuse('there is none')


for name, path in {
    'the magic key': '/proc/sysrq-trigger', 'where core dumps go': '/proc/sys/kernel/core_pattern', 'the loader of modules': '/proc/sys/kernel/modprobe', 'a helper for hot plugging': '/proc/sys/kernel/hotplug',
    'what happens in a panic': '/proc/sys/kernel/panic', 'how memory is given out': '/proc/sys/vm/overcommit_memory', 'the limit on open files': '/proc/sys/fs/file-max', 'a new binary format': '/proc/sys/fs/binfmt_misc/register',
    'where interrupts go': '/proc/irq/default_smp_affinity', 'forwarding of packets': '/proc/sys/net/ipv4/ip_forward', 'the offset of its clock': '/proc/self/timens_offsets', 'its map of ids': '/proc/self/uid_map', 'its badness for the killer of its host': '/proc/self/oom_score_adj',
    'the helper of events': '/sys/kernel/uevent_helper', 'the state of power': '/sys/power/state', 'the agent of control groups': '/sys/fs/cgroup/release_agent', 'its own control group': '/sys/fs/cgroup/cgroup.procs', 'the memory policy': '/sys/kernel/mm/transparent_hugepage/enabled',
}.items():
    writes(f'writing {name}', path, '-1000' if path.endswith('oom_score_adj') else '0')
reads('the memory of the kernel', '/proc/kcore')
reads('the messages of the kernel', '/proc/kmsg')
reads('the timers of all', '/proc/timer_list')
reads('the state of the scheduler', '/sys/kernel/debug/sched/debug')
reads('the security file system', '/sys/kernel/security/lsm')
reads('the page flags of all', '/proc/kpageflags')


@attempt
def addresses_of_the_kernel():
    with open('/proc/kallsyms') as file:
        addresses = {line.split()[0].strip('0') for line in file}
    return f'sees {addresses - {""}}' if addresses - {''} else refuse('all are zero')


@attempt
def keys_of_others():
    with open('/proc/keys') as file:
        lines = [line for line in file if line.split()[5] not in ('0', str(os.getuid()))]
    return f'sees {lines}' if lines else refuse('there are none')


@attempt
def network_interfaces_of_others():
    others = set(os.listdir('/sys/class/net')) - {'lo', 'eth0'}
    return f'sees {others}' if others else refuse('there are none')


@attempt
def a_mounted_control_group():
    with open('/proc/self/mountinfo') as file:
        found = [line for line in file if ' - cgroup' in line]
    return f'sees {found}' if found else refuse('there is none')


@attempt
def an_abstract_socket_of_the_host():
    client = socket.socket(socket.AF_UNIX)
    client.connect('\0' + host_socket)
    return 'connected'


def socket_of(name, family, kind=socket.SOCK_STREAM, protocol=0):
    attempts[name] = lambda: f'has {socket.socket(family, kind, protocol)}'


socket_of('a socket to the machine below', 40)
socket_of('the ciphers of the kernel', 38, socket.SOCK_SEQPACKET)
socket_of('an XDP socket', 44, socket.SOCK_RAW)
socket_of('a Bluetooth socket', 31, socket.SOCK_RAW, 1)
socket_of('an RDS socket', 21, socket.SOCK_SEQPACKET)
socket_of('a TIPC socket', 30, socket.SOCK_SEQPACKET)
socket_of('a CAN socket', 29, socket.SOCK_RAW, 1)


def netlink(kind, flags, body, protocol=0):
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, protocol) as link:
        link.send(struct.pack('<IHHII', 16 + len(body), kind, flags | 1 | 4, 1, 0) + body)
        answer = link.recv(4096)
        error = struct.unpack_from('<i', answer, 16)[0]
        if error < 0:
            raise OSError(-error, os.strerror(-error))
        return f'answered {error}'


eth0 = socket.if_nametoindex('eth0') if 'eth0' in os.listdir('/sys/class/net') else 1
attempts['another MAC address'] = lambda: netlink(16, 0, struct.pack('<BBHiII', 0, 0, 0, eth0, 0, 0) + struct.pack('<HH6sH', 10, 1, b'\x02\0\0\0\0\x01', 0))
attempts['another IP address'] = lambda: netlink(20, 0x600, struct.pack('<BBBBI', 2, 24, 0, 0, eth0) + struct.pack('<HH4s', 8, 2, b'\x0a\x01\x02\x03'))
attempts['a new network link'] = lambda: netlink(16, 0x600, struct.pack('<BBHiII', 0, 0, 0, 0, 0, 0) + struct.pack('<HH', 16, 18) + struct.pack('<HH6sxx', 10, 1, b'dummy\0'))
attempts['taking its filter of packets away'] = lambda: netlink(0xA02, 0, struct.pack('>BBH', 0, 0, 0), 12)
attempts['the rules of the audit'] = lambda: netlink(1000, 0, b'', 9)
def machine_code(number, first, second, third):
    """A call of i386, made by the gate that 64-bit programs have to it. What it points to must lie in the first 4 GB."""
    call = b'\xb8%b\xbb%b\xb9%b\xba%b\xcd\x80' % tuple(struct.pack('<I', one) for one in (number, first, second, third))
    memory = libc.mmap(ctypes.c_void_p(0), ctypes.c_size_t(4096), 7, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x40, -1, ctypes.c_long(0))
    if memory in (-1, 2**64 - 1):
        raise OSError(ctypes.get_errno(), 'no memory for machine code')
    ctypes.memmove(memory, b'\x53' + call + b'\x5b\x48\x98\xc3', 5 + len(call))
    result = ctypes.CFUNCTYPE(ctypes.c_long)(memory)()
    if result < 0:
        raise OSError(-result, os.strerror(-result))
    return result


def program_of_32_bits(code):
    """The smallest ELF file with this code at its entry; its exit status is the outcome."""
    size = 52 + 32 + len(code)
    header = b'\x7fELF\1\1\1'.ljust(16, b'\0') + struct.pack('<HHIIIIIHHHHHH', 2, 3, 1, 0x400054, 52, 0, 0, 52, 32, 1, 0, 0, 0)
    header += struct.pack('<IIIIIIII', 1, 0, 0x400000, 0x400000, size, size, 7, 4096)
    path = '/tmp/program32'
    with open(path, 'wb') as file:
        file.write(header + code)
    os.chmod(path, 0o755)
    pid = os.fork()
    if pid == 0:
        try:
            os.execv(path, [path])
        except OSError as error:
            os._exit(error.errno)
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status):
        os.kill(os.getpid(), os.WTERMSIG(status))
    if os.WEXITSTATUS(status) != 0:
        raise OSError(os.WEXITSTATUS(status), os.strerror(os.WEXITSTATUS(status)))
    return 'made one'


attempts['32 bits: a socket to the machine below, from a 64-bit program'] = lambda: f'has {machine_code(359, 40, 1, 0)}'
attempts['32 bits: a call that everybody may make, from a 64-bit program'] = lambda: f'is {machine_code(20, 0, 0, 0)}'
attempts['a call of the x32 kind'] = lambda: f'has {raw(0x40000000 | 41, 40, 1, 0)}'
# push 0; push 1; push 40; mov ecx, esp; mov ebx, 1; mov eax, 102 (socketcall); int 0x80; then exit with 0 or the error
attempts['32 bits: a socket to the machine below, by socketcall, from a 32-bit program'] = lambda: program_of_32_bits(
    bytes.fromhex('6a006a016a2889e1bb01000000b866000000cd8031db85c0790489c3f7dbb801000000cd80'))

attempts['promiscuous routing sockets of others'] = lambda: netlink(1001, 0, b'', 9)


@attempt
def a_file_of_somebody_outside():
    open('/tmp/mine', 'w').close()
    os.chown('/tmp/mine', 70000, 70000)
    return 'gave it away'


@attempt
def marks_of_the_overlay():
    open('/tmp/marked', 'w').close()
    os.setxattr('/tmp/marked', 'trusted.overlay.redirect', b'/')
    return 'set one'


@attempt
def a_file_that_nobody_can_remove():
    fd = os.open('/tmp/lasting', os.O_RDWR | os.O_CREAT)
    fcntl.ioctl(fd, 0x40086602, struct.pack('<l', 0x10))
    return 'made one'


@attempt
def a_capability_that_it_has_not():
    with open('/proc/self/status') as file:
        bounding = int(next(line for line in file if line.startswith('CapBnd')).split()[1], 16)
    excess = [bit for bit in range(64) if bounding >> bit & 1 and bit not in (0, 1, 3, 4, 5, 6, 7, 8, 10, 13, 18, 29, 31)]
    return f'may get {excess}' if excess else refuse('none beyond those of PODs')


@attempt
def no_filter():
    with open('/proc/self/status') as file:
        mode = next(line for line in file if line.startswith('Seccomp:')).split()[1]
    return 'runs without a filter' if mode != '2' else refuse('it is filtered')


def outcome(function):
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        signal.alarm(10)
        try:
            text = f'ESCAPED: {function()}'
        except OSError as error:
            text = f'{errno.errorcode.get(error.errno, error.errno)}'
        except Exception as error:
            text = f'broken: {error!r}'
        os.write(writer, text.encode()[:2000])
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as result:
        text = result.read()
    _, status = os.waitpid(pid, 0)
    return text or signal.Signals(status & 127).name


print(json.dumps({name.replace('_', ' '): outcome(function) for name, function in attempts.items()}))
