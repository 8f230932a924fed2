"""System V shared memory, semaphores and message queues, POSIX shared memory and semaphores."""
import ctypes
import hashlib
import mmap
import os
import struct

from native import call
from probe import Case, case, child, ensure, eventually, expect

IPC_PRIVATE, IPC_CREAT, IPC_RMID, IPC_NOWAIT = 0, 0o1000, 0, 0o4000
GETALL, GETVAL, SETVAL, SETALL = 13, 12, 16, 17
SEM_UNDO = 0x1000


def listed(kind, identifier, *columns):
    """A line of /proc/sysvipc: what ipcs(1) shows."""
    with open(f'/proc/sysvipc/{kind}') as file:
        names = file.readline().split()
        for line in file:
            row = dict(zip(names, line.split()))
            if row[{'shm': 'shmid', 'sem': 'semid', 'msg': 'msqid'}[kind]] == str(identifier):
                return {column: row[column] for column in columns}
    return None


@case('SysV shared memory: key, id, owner, mode, content, attach count', alone=True)
class SharedMemory(Case):
    size = 1 << 20

    def setup(self):
        self.id = call('shmget', 0x5A4150, self.size, IPC_CREAT | 0o640)
        self.address = call('shmat', self.id, None, 0)
        ctypes.memmove(self.address, os.urandom(self.size), self.size)
        ctypes.memmove(self.address, bytes(16), 16)
        ears, self.mouth = os.pipe()
        self.other_says, mouth = os.pipe()

        def second():  # inherits the attachment
            while os.read(ears, 1):
                os.write(mouth, ctypes.string_at(self.address, 8))
                ctypes.memmove(self.address + 8, b'answered', 8)
                os.write(mouth, b'.')
        child(second)

    def facts(self):
        return {**listed('shm', self.id, 'key', 'shmid', 'perms', 'size', 'nattch', 'uid', 'gid', 'cuid', 'cgid'),
                'address': self.address, 'content': hashlib.sha256(ctypes.string_at(self.address, self.size)).hexdigest()}

    def check(self):
        expect(call('shmget', 0x5A4150, 0, 0), self.id, 'the id of the key')
        ctypes.memmove(self.address, b'question', 8)
        os.write(self.mouth, b'x')
        expect(os.read(self.other_says, 8), b'question', 'what the other process sees')
        os.read(self.other_says, 1)
        expect(ctypes.string_at(self.address + 8, 8), b'answered', 'what it wrote')
        again = call('shmat', self.id, None, 0)
        expect(listed('shm', self.id, 'nattch')['nattch'], '3', 'attach count with one more')
        call('shmdt', again)


@case('SysV shared memory: a removed segment stays attached, and goes with its last detach', alone=True)
class RemovedSegment(Case):
    """CRIU creates it anew and does not remove it again; the helper does."""

    def setup(self):
        self.id = call('shmget', IPC_PRIVATE, 8192, IPC_CREAT | 0o600)
        self.address = call('shmat', self.id, None, 0)
        ctypes.memmove(self.address, b'still here', 10)
        call('shmctl', self.id, IPC_RMID, None)
        expect(listed('shm', self.id, 'perms'), {'perms': '1600'}, 'SHM_DEST')

    def facts(self):
        return {**listed('shm', self.id, 'key', 'shmid', 'perms', 'nattch'), 'content': ctypes.string_at(self.address, 10).decode()}

    def check(self):
        call('shmdt', self.address)
        expect(listed('shm', self.id, 'perms', 'nattch'), None, 'what is left after the last detach')

    renew = setup


@case('SysV semaphores: key, id, values; a waiter is woken after the move', alone=True)
class Semaphores(Case):
    def setup(self):
        self.id = call('semget', 0x5A4151, 3, IPC_CREAT | 0o600)
        self.wait()

    def wait(self):
        call('semctl', self.id, 0, SETALL, (ctypes.c_ushort * 3)(5, 0, 7))

        def waiter():
            while True:
                try:
                    return call('semop', self.id, struct.pack('HhH', 1, -1, 0), 1)
                except InterruptedError:  # what a restored semop says, and what its manual tells programs to expect
                    pass
        self.waiter = child(waiter)
        eventually(lambda: call('semctl', self.id, 1, 14) == 1, 'GETNCNT')

    def facts(self):
        values = (ctypes.c_ushort * 3)()
        call('semctl', self.id, 0, GETALL, values)
        return {**listed('sem', self.id, 'key', 'semid', 'perms', 'nsems', 'uid', 'gid'), 'values': list(values)}

    def check(self):
        eventually(lambda: call('semctl', self.id, 1, 14) == 1, 'the waiter waits again')
        expect(os.waitpid(self.waiter, os.WNOHANG), (0, 0), 'the waiter')
        call('semop', self.id, struct.pack('HhH', 1, 1, 0), 1)
        expect(os.waitpid(self.waiter, 0), (self.waiter, 0), 'the waiter when let through')
        expect(call('semctl', self.id, 1, GETVAL), 0, 'the value after it')

    renew = wait


@case('SysV semaphores: SEM_UNDO keeps the value over a move, but is not undone at the end of a moved process', alone=True)
class SemaphoreUndo(Case):
    """CRIU has no way to read the undo list. Said here so that it is noticed when that changes."""

    def setup(self):
        self.id = call('semget', IPC_PRIVATE, 1, IPC_CREAT | 0o600)
        call('semctl', self.id, 0, SETVAL, 3)
        gate, self.gate = os.pipe()

        def borrower():
            call('semop', self.id, struct.pack('HhH', 0, -2, SEM_UNDO), 1)
            os.close(self.gate)
            os.read(gate, 1)
        self.borrower = child(borrower)
        os.close(gate)
        eventually(lambda: call('semctl', self.id, 0, GETVAL) == 1, 'borrowed')

    def facts(self):
        return {'value': call('semctl', self.id, 0, GETVAL)}

    def check(self):
        os.close(self.gate)
        os.waitpid(self.borrower, 0)
        expect(call('semctl', self.id, 0, GETVAL), 1, 'the value after the borrower ended')
        call('semctl', self.id, 0, IPC_RMID)

    renew = setup


@case('SysV message queues: key, id, queued messages in their order')
class Messages(Case):
    messages = [(3, b'first of three'), (1, b'one'), (3, b'second of three'), (2, b''), (3, b'x' * 4000)]

    def setup(self):
        self.id = call('msgget', 0x5A4152, IPC_CREAT | 0o620)
        self.fill()

    def fill(self):
        for kind, text in self.messages:
            call('msgsnd', self.id, struct.pack('l', kind) + text, ctypes.c_size_t(len(text)), IPC_NOWAIT)

    def facts(self):
        return listed('msg', self.id, 'key', 'msqid', 'perms', 'cbytes', 'qnum', 'uid', 'gid', 'cuid', 'cgid')

    def receive(self, kind):
        buffer = ctypes.create_string_buffer(8192)
        size = call('msgrcv', self.id, buffer, ctypes.c_size_t(8184), ctypes.c_long(kind), IPC_NOWAIT)
        return struct.unpack_from('l', buffer)[0], buffer.raw[8:8 + size]

    def check(self):
        expect(call('msgget', 0x5A4152, 0), self.id, 'the id of the key')
        expect(self.receive(3), self.messages[0], 'the first of a kind')
        expect([self.receive(0) for _ in range(4)], self.messages[1:], 'the rest in order')
        expect(self.facts()['qnum'], '0', 'left in the queue')

    renew = fill


@case('POSIX shared memory: named and unlinked, seen by two processes', alone=True)
class PosixSharedMemory(Case):
    def setup(self):
        self.maps = []
        for name, keep in (('/dev/shm/probe-kept', True), ('/dev/shm/probe-unlinked', False)):
            file = os.open(name, os.O_RDWR | os.O_CREAT, 0o600)
            os.ftruncate(file, 65536)
            self.maps.append(mmap.mmap(file, 65536))
            self.maps[-1][:] = os.urandom(65536)
            os.close(file)
            if not keep:
                os.unlink(name)
        ears, self.mouth = os.pipe()
        self.other_says, mouth = os.pipe()

        def second():
            while os.read(ears, 1):
                for area in self.maps:
                    area[:4] = bytes(reversed(area[:4]))
                os.write(mouth, b'done')
        child(second)

    def facts(self):
        return {'content': [hashlib.sha256(area).hexdigest() for area in self.maps], 'names': [n for n in os.listdir('/dev/shm') if 'probe-' in n]}

    def check(self):
        for area in self.maps:
            area[:4] = b'abcd'
        os.write(self.mouth, b'x')
        os.read(self.other_says, 4)
        expect([bytes(area[:4]) for area in self.maps], [b'dcba'] * 2, 'after the other process wrote')
        with open('/dev/shm/probe-kept', 'rb') as file:
            expect(file.read(4), b'dcba', 'read by name')


@case('POSIX message queues that nobody has open: name, owner, mode, bounds, messages by priority and in their order')
class PosixMessages(Case):
    """One that is open is refused by name (hold.py)."""
    messages = [(3, b'third'), (9, b'first'), (3, b'fourth'), (0, b''), (9, b'second' * 30)]

    def setup(self):
        for name, owner, mode in ((b'/probe', 0, 0o640), (b'/of \xff another', 1000, 0o200)):
            queue = call('mq_open', name, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600, (ctypes.c_long * 8)(0, 7, 512))
            os.fchown(queue, owner, owner)
            os.fchmod(queue, mode)
            os.close(queue)
        self.fill()

    def fill(self):
        queue = call('mq_open', b'/probe', os.O_WRONLY)
        for priority, text in self.messages:
            call('mq_send', queue, text, ctypes.c_size_t(len(text)), priority)
        os.close(queue)

    def facts(self):
        found = {}
        for name in (b'/probe', b'/of \xff another'):
            queue = call('mq_open', name, os.O_RDONLY)
            attributes, state = (ctypes.c_long * 8)(), os.fstat(queue)
            call('mq_getattr', queue, attributes)
            os.close(queue)
            found[repr(name)] = [list(attributes[:4]), oct(state.st_mode), state.st_uid, state.st_gid]
        return found

    def check(self):
        queue = call('mq_open', b'/probe', os.O_RDWR | os.O_NONBLOCK)
        got, buffer, priority = [], ctypes.create_string_buffer(512), ctypes.c_uint()
        for _ in self.messages:
            size = call('mq_receive', queue, buffer, ctypes.c_size_t(512), ctypes.byref(priority))
            got.append((priority.value, buffer.raw[:size]))
        expect(got, sorted(self.messages, key=lambda message: -message[0]), 'messages')
        call('mq_send', queue, b'new', ctypes.c_size_t(3), 1)
        call('mq_receive', queue, buffer, ctypes.c_size_t(512), ctypes.byref(priority))
        expect((priority.value, buffer.raw[:3]), (1, b'new'), 'a new message')
        os.close(queue)

    renew = fill


@case('POSIX named semaphores: a waiter is woken after the move', alone=True)
class PosixSemaphore(Case):
    def setup(self):
        from native import libc
        libc.sem_open.restype = ctypes.c_void_p
        self.semaphore = ctypes.c_void_p(libc.sem_open(b'/probe', os.O_CREAT, 0o600, 2))
        ensure(self.semaphore.value, 'sem_open')
        self.wait()

    def wait(self):
        def waiter():
            for _ in range(3):
                while True:
                    try:
                        call('sem_wait', self.semaphore)
                        break
                    except InterruptedError:
                        pass
        self.waiter = child(waiter)
        eventually(lambda: self.facts()['value'] == 0, 'two taken')

    def facts(self):
        value = ctypes.c_int()
        call('sem_getvalue', self.semaphore, ctypes.byref(value))
        return {'value': value.value}

    def check(self):
        expect(os.waitpid(self.waiter, os.WNOHANG), (0, 0), 'the waiter')
        call('sem_post', self.semaphore)
        expect(os.waitpid(self.waiter, 0), (self.waiter, 0), 'the waiter when let through')
        for _ in range(2):
            call('sem_post', self.semaphore)

    renew = wait
