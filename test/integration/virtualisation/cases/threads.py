"""Threads: ids, names, thread-local values, signal masks; mutexes and condition variables, within a process and between two."""
import ctypes
import mmap
import os
import signal
import threading

from native import PR_SET_NAME, call, libc, prctl, status_of
from probe import Case, case, child, ensure, eventually, expect

COUNT = 8


@case('8 threads: ids, names, thread-local values, signal masks; all woken by a condition variable', alone=True)
class Eight(Case):
    def setup(self):
        self.key = ctypes.c_uint()
        call('pthread_key_create', ctypes.byref(self.key), None)
        libc.pthread_getspecific.restype = ctypes.c_void_p
        libc.pthread_setspecific.argtypes = [ctypes.c_uint, ctypes.c_void_p]
        self.local, self.turn, self.round, self.reports = threading.local(), threading.Condition(), 0, {}
        self.threads = [threading.Thread(target=self.live, args=(number,), daemon=True) for number in range(COUNT)]
        for thread in self.threads:
            thread.start()
        eventually(lambda: len(self.reports) == COUNT, 'all threads are there')

    def live(self, number):
        self.local.value = f'of thread {number}'
        libc.pthread_setspecific(self.key, 0x1000 + number)
        prctl(PR_SET_NAME, ctypes.c_char_p(f'probe-{number}'.encode()))
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGRTMIN + number])
        seen = 0
        while True:
            self.reports[number] = {'id': threading.get_native_id(), 'local': self.local.value, 'specific': libc.pthread_getspecific(self.key), 'round': seen,
                                    'mask': sorted(int(s) for s in signal.pthread_sigmask(signal.SIG_BLOCK, []) if s >= signal.SIGRTMIN)}
            with self.turn:
                while self.round == seen:
                    self.turn.wait()
                seen = self.round

    def facts(self):
        tasks = sorted(os.listdir('/proc/self/task'), key=int)
        return {'tasks': tasks, 'names': [open(f'/proc/self/task/{task}/comm').read().strip() for task in tasks],
                'masks': [status_of(f'self/task/{task}', 'SigBlk')['SigBlk'] for task in tasks]}

    def check(self):
        before = {number: dict(report) for number, report in self.reports.items()}
        with self.turn:
            self.round += 1
            self.turn.notify_all()
        eventually(lambda: all(report['round'] == self.round for report in self.reports.values()), 'all threads ran')
        for number, report in self.reports.items():
            expect({**report, 'round': 0}, {**before[number], 'round': 0}, f'thread {number}')
            expect((report['local'], report['specific']), (f'of thread {number}', 0x1000 + number), 'thread-local values')


@case('threads that wait for a mutex get it one after the other', alone=True)
class Mutex(Case):
    """Of libc: its waiters sleep in futex(2) without Python's help."""

    def setup(self):
        self.mutex = ctypes.create_string_buffer(64)
        call('pthread_mutex_init', self.mutex, None)
        self.lock()

    def lock(self):
        libc.pthread_mutex_lock(self.mutex)
        self.got = []
        self.threads = [threading.Thread(target=self.want, args=(number,), daemon=True) for number in range(COUNT)]
        for thread in self.threads:
            thread.start()

    def want(self, number):
        libc.pthread_mutex_lock(self.mutex)
        self.got.append(number)
        libc.pthread_mutex_unlock(self.mutex)

    def facts(self):
        return {'got it': self.got}

    def check(self):
        ensure(libc.pthread_mutex_trylock(self.mutex) != 0, 'the mutex was free')
        libc.pthread_mutex_unlock(self.mutex)
        for thread in self.threads:
            thread.join(5)
        expect(sorted(self.got), list(range(COUNT)), 'threads that got it')

    renew = lock


@case('a mutex and a condition variable shared between two processes', alone=True)
class BetweenProcesses(Case):
    def setup(self):
        self.area = mmap.mmap(-1, mmap.PAGESIZE)
        start = ctypes.addressof(ctypes.c_char.from_buffer(self.area))
        self.mutex, self.condition, self.word = (ctypes.c_void_p(start + offset) for offset in (0, 64, 128))
        attribute = ctypes.create_string_buffer(16)
        for kind, target in (('mutex', self.mutex), ('cond', self.condition)):
            getattr(libc, f'pthread_{kind}attr_init')(attribute)
            getattr(libc, f'pthread_{kind}attr_setpshared')(attribute, 1)
            getattr(libc, f'pthread_{kind}_init')(target, attribute)
        self.number = ctypes.c_int.from_address(self.word.value)
        self.answer = ctypes.c_int.from_address(self.word.value + 4)

        def second():
            libc.pthread_mutex_lock(self.mutex)
            while True:
                while self.answer.value == self.number.value:
                    libc.pthread_cond_wait(self.condition, self.mutex)
                self.answer.value = self.number.value
        child(second)

    def check(self):
        for _ in range(20):
            libc.pthread_mutex_lock(self.mutex)
            self.number.value += 1
            libc.pthread_cond_signal(self.condition)
            libc.pthread_mutex_unlock(self.mutex)
            eventually(lambda: self.answer.value == self.number.value, 'the other process answered')


@case('a thread blocked in read(2) and one in poll(2) go on', alone=True)
class Blocked(Case):
    def setup(self):
        import select
        self.pipes, self.got = [os.pipe(), os.pipe()], []

        def reads():
            self.got.append(os.read(self.pipes[0][0], 10))

        def polls():
            poll = select.poll()
            poll.register(self.pipes[1][0], select.POLLIN)
            self.got.append(bool(poll.poll()) and os.read(self.pipes[1][0], 10))
        self.threads = [threading.Thread(target=target, daemon=True) for target in (reads, polls)]
        for thread in self.threads:
            thread.start()

    def check(self):
        expect(self.got, [], 'before anything was written')
        for _, end in self.pipes:
            os.write(end, b'word')
        for thread in self.threads:
            thread.join(5)
        expect(self.got, [b'word'] * 2, 'after')
        for end in sum(self.pipes, ()):
            os.close(end)

    renew = setup


@case('a signal sent to one thread arrives there; others see none', alone=True)
class Directed(Case):
    def setup(self):
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
        self.caught = {}

        def wait(number):
            signal.sigwait([signal.SIGUSR1])
            self.caught[number] = threading.get_native_id()
        self.threads = [threading.Thread(target=wait, args=(number,), daemon=True) for number in range(2)]
        for thread in self.threads:
            thread.start()

    def check(self):
        for number in (1, 0):
            target = self.threads[number]
            call('tgkill', os.getpid(), target.native_id, int(signal.SIGUSR1))
            target.join(5)
            expect(self.caught.pop(number, None), target.native_id, 'who caught it')
            expect(self.caught, {}, 'the other thread')

    renew = setup
