"""Process ids, parents and children, zombies, stopped processes."""
import os
import select
import signal

from native import stat_of, status_of
from probe import Case, case, child, ensure, eventually, expect


def parent_of(pid):
    try:
        return int(stat_of(pid)[1])
    except (FileNotFoundError, ProcessLookupError):  # ended since it was listed
        return None


class Gated:
    """A child that waits for a word on a pipe, then ends with `status`."""

    def __init__(self, status):
        gate, self.open_end = os.pipe()

        def wait_and_end():
            os.close(self.open_end)
            os.read(gate, 1)
            return status
        self.pid = child(wait_and_end)
        os.close(gate)

    def let_go(self):
        os.write(self.open_end, b'x')
        os.close(self.open_end)


@case('pids: getpid, getppid, /proc/self and the /proc listing say the same', alone=True)
class Names(Case):
    def setup(self):
        self.children = [child(lambda: signal.pause()) for _ in range(3)]

    def facts(self):
        listed = [int(name) for name in os.listdir('/proc') if name.isdigit()]
        mine = sorted(pid for pid in listed if parent_of(pid) == os.getpid())
        return {
            'pid': os.getpid(), 'ppid': os.getppid(), 'self': os.readlink('/proc/self'), 'thread': os.readlink('/proc/thread-self'),
            'children': self.children, 'listed': mine, 'parent is listed': os.getppid() in listed, 'init': open('/proc/1/comm').read(),
            'inner ids': status_of('self', 'NSpid', 'Tgid', 'PPid'),
        }

    def check(self):
        expect(sorted(self.children), sorted(self.facts()['listed']), 'children in /proc')
        newcomer = child(lambda: 0)
        ensure(newcomer not in self.children, 'a new process got the id of a living one')
        expect(os.waitpid(newcomer, 0), (newcomer, 0), 'waitpid')


@case('waitpid: a child that ends after the move is reaped with its status', alone=True)
class LateExit(Case):
    def setup(self):
        self.gated = Gated(7)

    def facts(self):
        return {'child': self.gated.pid, 'its parent': stat_of(self.gated.pid)[1]}

    def check(self):
        expect(os.waitpid(self.gated.pid, os.WNOHANG), (0, 0), 'waitpid while the child lives')
        self.gated.let_go()
        pid, status = os.waitpid(self.gated.pid, 0)
        expect((pid, os.WEXITSTATUS(status)), (self.gated.pid, 7), 'waitpid')

    renew = setup


@case('waitpid: a parent that was waiting during the move gets the status', alone=True)
class WaitingParent(Case):
    def setup(self):
        self.gated_status, report = os.pipe()
        go, self.go = os.pipe()

        def wait_for_child():
            gated = child(lambda: 13 if os.read(go, 1) else 1)
            pid, status = os.waitpid(gated, 0)
            os.write(report, f'{pid == gated} {os.WEXITSTATUS(status)}'.encode())
        self.parent = child(wait_for_child)
        os.close(report)
        os.close(go)
        eventually(lambda: 'wait' in open(f'/proc/{self.parent}/wchan').read() or stat_of(self.parent)[0] == 'S', 'the parent waits')

    def check(self):
        os.write(self.go, b'x')
        expect(os.read(self.gated_status, 64), b'True 13', 'what the parent got')
        os.waitpid(self.parent, 0)
        os.close(self.go)
        os.close(self.gated_status)

    renew = setup


@case('SIGCHLD names the child that ended', alone=True)
class ChildSignal(Case):
    def setup(self):
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
        self.gated = Gated(21)

    def check(self):
        self.gated.let_go()
        info = signal.sigtimedwait([signal.SIGCHLD], 5)
        ensure(info, 'no SIGCHLD')
        expect((info.si_pid, info.si_status), (self.gated.pid, 21), 'siginfo')
        os.waitpid(self.gated.pid, 0)

    renew = setup


@case('zombies stay zombies, with the status they ended with', alone=True)
class Zombies(Case):
    def setup(self):
        self.ended = child(lambda: 5)
        self.killed = child(lambda: signal.pause())
        os.kill(self.killed, signal.SIGTERM)
        for pid in (self.ended, self.killed):
            eventually(lambda: stat_of(pid)[0] == 'Z', 'a zombie')

    def facts(self):
        return {'zombies': [(pid, stat_of(pid)[0], stat_of(pid)[1]) for pid in (self.ended, self.killed)]}

    def check(self):
        expect(os.waitstatus_to_exitcode(os.waitpid(self.ended, 0)[1]), 5, 'the one that ended')
        expect(os.waitstatus_to_exitcode(os.waitpid(self.killed, 0)[1]), -signal.SIGTERM, 'the one that was killed')

    renew = setup


@case('a stopped process stays stopped and goes on at SIGCONT', alone=True)
class Stopped(Case):
    def setup(self):
        self.answers, answer = os.pipe()

        def stop_then_answer():
            os.kill(os.getpid(), signal.SIGSTOP)
            os.write(answer, b'on')
        self.pid = child(stop_then_answer)
        os.close(answer)
        expect(os.WIFSTOPPED(os.waitpid(self.pid, os.WUNTRACED)[1]), True, 'stopped')

    def facts(self):
        return {'pid': self.pid, 'state': stat_of(self.pid)[0]}

    def check(self):
        expect(select.select([self.answers], [], [], 0.05)[0], [], 'a stopped process spoke')
        os.kill(self.pid, signal.SIGCONT)
        expect(os.read(self.answers, 8), b'on', 'after SIGCONT')
        expect(os.waitpid(self.pid, 0), (self.pid, 0), 'its end')
        os.close(self.answers)

    renew = setup


@case('a daemon whose session leader is gone stays with init', alone=True)
class Daemon(Case):
    def setup(self):
        self.answers, answer = os.pipe()

        def leader():
            os.setsid()
            pid = os.fork()
            if pid:
                os.write(answer, str(pid).encode())
                return
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
            while True:
                signal.sigwait([signal.SIGUSR1])
                os.write(answer, b'here')
        os.waitpid(child(leader), 0)
        self.pid = int(os.read(self.answers, 16))
        eventually(lambda: stat_of(self.pid)[1] == '1', 'the daemon is the child of init')

    def facts(self):
        state, ppid, pgrp, session = stat_of(self.pid)[:4]
        return {'pid': self.pid, 'ppid': ppid, 'pgrp': pgrp, 'session': session, 'leader is gone': not os.path.exists(f'/proc/{session}')}

    def check(self):
        os.kill(self.pid, signal.SIGUSR1)
        expect(os.read(self.answers, 8), b'here', 'the daemon')


@case('pidfd: tells the end of its process after the move', alone=True)
class PidDescriptor(Case):
    def setup(self):
        self.gated = Gated(3)
        self.pidfd = os.pidfd_open(self.gated.pid)

    def facts(self):
        pid = next(line for line in open(f'/proc/self/fdinfo/{self.pidfd}') if line.startswith('Pid:'))
        return {'pid': pid.split()[1], 'ready': select.select([self.pidfd], [], [], 0)[0]}

    def check(self):
        self.gated.let_go()
        expect(select.select([self.pidfd], [], [], 5)[0], [self.pidfd], 'poll')
        expect(os.waitid(os.P_PIDFD, self.pidfd, os.WEXITED).si_status, 3, 'waitid')
        os.close(self.pidfd)

    renew = setup


@case('parent-death signal arrives after the move', alone=True)
class ParentDeath(Case):
    def setup(self):
        from native import PR_GET_PDEATHSIG, PR_SET_PDEATHSIG, prctl
        import ctypes
        self.answers, answer = os.pipe()

        def parent():
            ready, tell = os.pipe()

            def orphan_to_be():
                signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2])
                prctl(PR_SET_PDEATHSIG, int(signal.SIGUSR2))
                value = ctypes.c_int()
                os.write(tell, b'x')
                signal.sigwait([signal.SIGUSR2])
                prctl(PR_GET_PDEATHSIG, ctypes.byref(value))
                os.write(answer, f'SIGUSR2 {value.value}'.encode())
            child(orphan_to_be)
            os.read(ready, 1)
            signal.pause()
        self.parent = child(parent)
        os.close(answer)
        eventually(lambda: stat_of(self.parent)[0] == 'S', 'set up')

    def check(self):
        os.kill(self.parent, signal.SIGKILL)
        os.waitpid(self.parent, 0)
        expect(os.read(self.answers, 64), f'SIGUSR2 {int(signal.SIGUSR2)}'.encode(), 'the orphan')
        os.close(self.answers)

    renew = setup


@case('process groups and sessions: setsid, setpgid, killpg', alone=True)
class Groups(Case):
    def setup(self):
        os.setsid()
        self.answers, answer = os.pipe()

        def member():
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
            while True:
                os.write(answer, b'm')
                signal.sigwait([signal.SIGUSR1])
        self.members = [child(member) for _ in range(3)]
        for pid in self.members:
            os.setpgid(pid, self.members[0])
        self.hear_all()

    def hear_all(self):
        for _ in self.members:
            expect(os.read(self.answers, 1), b'm', 'a member')

    def facts(self):
        return {'mine': (os.getpgid(0), os.getsid(0)), 'members': [(pid, os.getpgid(pid), os.getsid(pid)) for pid in self.members]}

    def check(self):
        expect(os.getsid(0), os.getpid(), 'session leader')
        os.killpg(self.members[0], signal.SIGUSR1)
        self.hear_all()
        try:
            os.setsid()
        except PermissionError:
            return
        ensure(False, 'a session leader could make another session')
