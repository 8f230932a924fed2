"""What belongs to a process: ids, capabilities, seccomp, limits, masks, priorities, names, signal state."""
import ctypes
import os
import resource
import shutil
import signal
import struct
import subprocess
import threading
import time

from native import (PR_GET_NAME, PR_GET_NO_NEW_PRIVS, PR_GET_SECUREBITS, PR_SET_NAME, PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP,
                    PR_SET_SECUREBITS, call, libc, prctl, status_of)
from probe import Case, case, child, ensure, eventually, expect


@case('processes of several users: 0, 1000 and 33 with their groups, and what they may touch', alone=True)
class Users(Case):
    def setup(self):
        self.people = {}
        for uid, groups in ((0, [0]), (1000, [1000, 27, 44]), (33, [33])):
            ask_in, ask = os.pipe()
            answer, answer_out = os.pipe()

            def live():
                os.setgroups(groups)
                os.setresgid(uid, uid, uid)
                os.setresuid(uid, uid, uid)
                os.write(answer_out, b'ready')
                while os.read(ask_in, 1):
                    may = [os.access(f'/tmp/probe-of-{other}', os.W_OK) for other in (0, 1000, 33)]
                    os.write(answer_out, bytes(may))
            path = f'/tmp/probe-of-{uid}'
            open(path, 'w').close()
            os.chown(path, uid, uid)
            os.chmod(path, 0o600)
            self.people[uid] = (child(live), ask, answer)
            os.read(answer, 5)

    def facts(self):
        return {uid: status_of(pid, 'Uid', 'Gid', 'Groups', 'CapEff', 'CapPrm') for uid, (pid, _, _) in self.people.items()}

    def check(self):
        may = {}
        for uid, (_, ask, answer) in self.people.items():
            os.write(ask, b'x')
            may[uid] = list(os.read(answer, 3))
        expect(may, {0: [1, 1, 1], 1000: [0, 1, 0], 33: [0, 0, 1]}, 'who may write files of 0, 1000, 33')


@case('mixed ids: real, effective, saved and file-system ids differ', alone=True)
class MixedIds(Case):
    def setup(self):
        os.setresgid(5, 6, 7)
        os.setresuid(0, 1000, 33)

    def facts(self):
        return status_of('self', 'Uid', 'Gid', 'CapEff', 'CapPrm')

    def check(self):
        os.seteuid(33)
        expect(os.getresuid(), (0, 33, 33), 'after seteuid to the saved id')
        os.seteuid(0)
        os.setresuid(0, 1000, 33)


@case('capabilities: sets, bounding set, ambient set, secure bits', alone=True)
class Capabilities(Case):
    def setup(self):
        prctl(24, 18)  # PR_CAPBSET_DROP: CAP_SYS_CHROOT
        kept = 1 << 0 | 1 << 5 | 1 << 10  # CHOWN, KILL, NET_BIND_SERVICE
        header = struct.pack('Ii', 0x20080522, 0)
        call('capset', header, struct.pack('6I', kept, kept, 1 << 10, 0, 0, 0))
        prctl(47, 2, 10, 0, 0)  # PR_CAP_AMBIENT_RAISE

    def facts(self):
        return {**status_of('self', 'CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'), 'secure bits': prctl(PR_GET_SECUREBITS)}

    def check(self):
        try:
            os.setuid(1000)
        except PermissionError:
            pass
        else:
            ensure(False, 'the user was changed without the right to')
        expect(subprocess.run(['/usr/bin/grep', 'CapAmb', '/proc/self/status'], capture_output=True, text=True).stdout.split()[1], '0000000000000400', 'given on by exec')


@case('secure bits', alone=True)
class SecureBits(Case):
    def setup(self):
        prctl(PR_SET_SECUREBITS, 0x5)

    def facts(self):
        return {'bits': prctl(PR_GET_SECUREBITS)}


@case('no_new_privs', alone=True)
class NoNewPrivileges(Case):
    def setup(self):
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)

    def facts(self):
        return {'bit': prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), **status_of('self', 'NoNewPrivs')}


@case("a program's own seccomp filter stays active, in all its threads", alone=True)
class Seccomp(Case):
    """Answers getpriority(2) with EDOM. The number is looked at by the filter, so it is the machine's."""

    def setup(self):
        number = {'x86_64': 140, 'aarch64': 141}[os.uname().machine]
        rules = [(0x20, 0, 0, 0), (0x15, 0, 1, number), (0x06, 0, 0, 0x00050000 | 33), (0x06, 0, 0, 0x7FFF0000)]
        self.program = b''.join(struct.pack('HBBI', *rule) for rule in rules)
        buffer = ctypes.create_string_buffer(self.program)
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        prctl(PR_SET_SECCOMP, 2, ctypes.c_char_p(struct.pack('HxxxxxxP', len(rules), ctypes.addressof(buffer))))
        expect(self.answer(), 33, 'the filter when new')

    def answer(self):
        libc.getpriority(0, 0)
        return ctypes.get_errno()

    def facts(self):
        return status_of('self', 'Seccomp', 'Seccomp_filters')

    def check(self):
        expect(self.answer(), 33, 'the filter')
        expect(os.waitstatus_to_exitcode(os.waitpid(child(self.answer), 0)[1]), 33, 'the filter in a new child')


@case("the POD's own filter holds: io_uring is not there, user namespaces are refused", alone=True)
class Profile(Case):
    def facts(self):
        return status_of('self', 'Seccomp', 'Seccomp_filters')

    def check(self):
        expect(libc.syscall(425, 8, ctypes.create_string_buffer(120)), -1, 'io_uring_setup')
        expect(ctypes.get_errno(), 38, 'its error')
        expect(libc.unshare(0x10000000), -1, 'unshare(CLONE_NEWUSER)')


@case('umask, limits, priority, scheduling policy, out-of-memory score', alone=True)
class Limits(Case):
    wanted = {'NOFILE': (333, 444), 'CORE': (0, 0), 'STACK': (4 << 20, 8 << 20), 'NPROC': (2000, 3000), 'FSIZE': (1 << 34, 1 << 35), 'MEMLOCK': (65536, 65536),
              'AS': (1 << 40, 1 << 41), 'CPU': (100000, 200000), 'SIGPENDING': (50, 60)}

    def setup(self):
        os.umask(0o137)
        os.nice(7)
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
        for name, values in self.wanted.items():
            resource.setrlimit(getattr(resource, f'RLIMIT_{name}'), values)
        with open('/proc/self/oom_score_adj', 'w') as file:
            file.write('321')

    def facts(self):
        mask = os.umask(0)
        os.umask(mask)
        return {'umask': mask, 'nice': os.getpriority(os.PRIO_PROCESS, 0), 'policy': os.sched_getscheduler(0), 'oom': open('/proc/self/oom_score_adj').read(),
                'limits': {name: resource.getrlimit(getattr(resource, f'RLIMIT_{name}')) for name in self.wanted}}

    def check(self):
        opened = []
        try:
            while len(opened) < 1000:
                opened.append(os.open('/dev/null', os.O_RDONLY))
        except OSError:
            expect(max(opened), 332, 'the last descriptor under the limit')
        finally:
            for descriptor in opened:
                os.close(descriptor)
        ensure(len(opened) < 333, 'the limit does not hold')


@case('the I/O priority of each thread', alone=True)
class InputOutputPriority(Case):
    """CRIU does not carry it; the helper does."""
    set_call, get_call = {'x86_64': (251, 252), 'aarch64': (30, 31)}[os.uname().machine]
    best_effort_6, idle_class = 2 << 13 | 6, 3 << 13

    def setup(self):
        call('syscall', self.set_call, 1, 0, self.best_effort_6)
        self.idle = threading.Thread(target=time.sleep, args=(3600,), daemon=True)
        self.idle.start()
        call('syscall', self.set_call, 1, self.idle.native_id, self.idle_class)

    def facts(self):
        return {'main': call('syscall', self.get_call, 1, 0), 'other': call('syscall', self.get_call, 1, self.idle.native_id)}

    def check(self):
        expect(self.facts(), {'main': self.best_effort_6, 'other': self.idle_class}, 'priorities')


@case('arguments, environment, comm, title and executable of a process', alone=True)
class Identity(Case):
    def setup(self):
        self.process = subprocess.Popen(['probe arg zero', 'x y', '', 'ünï'], executable='/usr/lib/probe/argued.sh', cwd='/tmp',
                                        env={'PROBE': 'value with spaces', 'EMPTY': '', 'PATH': '/usr/bin:/bin'}, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.process.stdout.readline()
        prctl(PR_SET_NAME, ctypes.c_char_p(b'probe-title'))

    def facts(self):
        pid = self.process.pid
        read = lambda name: open(f'/proc/{pid}/{name}').read()
        return {'arguments': read('cmdline'), 'environment': read('environ'), 'comm': read('comm'), 'executable': os.readlink(f'/proc/{pid}/exe'),
                'directory': os.readlink(f'/proc/{pid}/cwd'), 'root': os.readlink(f'/proc/{pid}/root'), 'own comm': open('/proc/self/comm').read()}

    def check(self):
        self.process.stdin.write(b'question\n')
        self.process.stdin.flush()
        expect(self.process.stdout.readline(), b'question value with spaces\n', 'the answer')
        name = ctypes.create_string_buffer(16)
        prctl(PR_GET_NAME, name)
        expect(name.value, b'probe-title', 'PR_GET_NAME')


@case('a running program whose file was deleted', alone=True)
class DeletedExecutable(Case):
    def setup(self):
        shutil.copy('/usr/bin/cat', '/tmp/probe-cat')
        self.process = subprocess.Popen(['/tmp/probe-cat'], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        eventually(lambda: os.readlink(f'/proc/{self.process.pid}/exe') == '/tmp/probe-cat', 'it runs')
        os.unlink('/tmp/probe-cat')

    def facts(self):
        return {'executable': os.readlink(f'/proc/{self.process.pid}/exe')}

    def check(self):
        self.process.stdin.write(b'a line\n')
        self.process.stdin.flush()
        expect(self.process.stdout.readline(), b'a line\n', 'the answer')


@case('signals: mask, handlers, ignored ones, the alternate stack', alone=True)
class Signals(Case):
    def setup(self):
        self.caught = []
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGHUP, signal.SIGRTMAX, signal.SIGTSTP])
        signal.signal(signal.SIGUSR2, lambda number, _frame: self.caught.append(number))
        signal.signal(signal.SIGQUIT, signal.SIG_IGN)
        self.stack = ctypes.create_string_buffer(65536)
        call('sigaltstack', struct.pack('PixxxxQ', ctypes.addressof(self.stack), 0, 65536), None)

    def alternate_stack(self):
        now = ctypes.create_string_buffer(24)
        call('sigaltstack', None, now)
        address, flags, size = struct.unpack('PixxxxQ', now.raw)
        return address == ctypes.addressof(self.stack), flags, size

    def facts(self):
        return {**status_of('self', 'SigBlk', 'SigIgn', 'SigCgt'), 'alternate stack': self.alternate_stack()}

    def check(self):
        os.kill(os.getpid(), signal.SIGUSR2)
        os.kill(os.getpid(), signal.SIGQUIT)
        expect(self.caught, [signal.SIGUSR2], 'caught')
        self.caught.clear()


@case('pending signals stay pending, of the process and of the thread, with their order and values', alone=True)
class Pending(Case):
    def setup(self):
        self.signals = [signal.SIGUSR1, signal.SIGUSR2, signal.SIGRTMIN]
        signal.pthread_sigmask(signal.SIG_BLOCK, self.signals)
        self.send()

    def send(self):
        os.kill(os.getpid(), signal.SIGUSR1)
        call('tgkill', os.getpid(), os.getpid(), int(signal.SIGUSR2))
        for value in (11, 22, 33):
            call('sigqueue', os.getpid(), int(signal.SIGRTMIN), ctypes.c_void_p(value))

    def facts(self):
        return {'pending': sorted(signal.sigpending()), **status_of('self', 'SigPnd', 'ShdPnd')}

    def take(self, number):
        mask, info = (ctypes.c_ulong * 16)(1 << number - 1), ctypes.create_string_buffer(128)
        call('sigtimedwait', mask, info, ctypes.byref((ctypes.c_long * 2)(1, 0)))
        return struct.unpack_from('i', info, 16)[0], struct.unpack_from('q', info, 24)[0]

    def check(self):
        expect([self.take(signal.SIGRTMIN) for _ in range(3)], [(os.getpid(), value) for value in (11, 22, 33)], 'queued values')
        expect([self.take(number)[0] for number in (signal.SIGUSR1, signal.SIGUSR2)], [os.getpid()] * 2, 'senders')
        expect(signal.sigpending(), set(), 'left')

    renew = send
