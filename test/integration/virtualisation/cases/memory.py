"""Memory: private, shared, of files, huge, protected, advised."""
import ctypes
import hashlib
import mmap
import os
import random
import re
import resource
import signal

from native import call
from probe import Case, case, child, ensure, expect

PAGE = mmap.PAGESIZE
NONE, READ, WRITE, EXECUTE = 0, 1, 2, 4
MAP_PRIVATE, MAP_ANONYMOUS, MAP_GROWSDOWN, MAP_NORESERVE = 0x02, 0x20, 0x100, 0x4000
MADV_HUGEPAGE, MADV_DONTFORK, MADV_DONTDUMP, MADV_WIPEONFORK, MADV_GUARD_INSTALL = 14, 10, 16, 18, 102


def anonymous(size, protection=READ | WRITE, flags=0):
    return call('mmap', None, size, protection, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0)


def areas(start, size):
    """Lines of /proc/self/maps between two addresses: address range and permissions."""
    with open('/proc/self/maps') as file:
        rows = [re.match(r'(\w+)-(\w+) (\S+)', line).groups() for line in file]
    return [row for row in rows if int(row[1], 16) > start and int(row[0], 16) < start + size]


def ended_by(work):
    """The signal that ends a child doing `work`, or 0."""
    status = os.waitpid(child(work), 0)[1]
    return os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0


def poke(address):
    return lambda: ctypes.memset(address, 1, 1) and 0


def peek(address):
    return lambda: ctypes.string_at(address, 1) and 0


@case('private memory keeps its content and address')
class Private(Case):
    size = 4 << 20

    def setup(self):
        self.address = anonymous(self.size)
        ctypes.memmove(self.address, os.urandom(self.size), self.size)

    def facts(self):
        return {'address': hex(self.address), 'content': hashlib.sha256(ctypes.string_at(self.address, self.size)).hexdigest()}

    def check(self):
        ctypes.memset(self.address, 0x55, PAGE)
        expect(ctypes.string_at(self.address, PAGE), b'\x55' * PAGE, 'written')


@case('256 MB of pseudo-random memory')
class Huge(Case):
    size, step = 256 << 20, 1 << 20

    def setup(self):
        source = random.Random(1)
        self.area = mmap.mmap(-1, self.size, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        for offset in range(0, self.size, self.step):
            self.area[offset:offset + self.step] = source.randbytes(self.step)

    def facts(self):
        return {'checksum': hashlib.blake2b(self.area).hexdigest()}


@case('shared memory between parent and child stays shared', alone=True)
class Shared(Case):
    def setup(self):
        self.area = mmap.mmap(-1, 1 << 20)
        self.area[:] = os.urandom(1 << 20)
        ears, self.mouth = os.pipe()
        self.other_says, mouth = os.pipe()

        def second():
            while os.read(ears, 1):
                self.area[8:16] = self.area[:8]
                os.write(mouth, b'x')
        child(second)

    def facts(self):
        return {'content': hashlib.sha256(self.area).hexdigest()}

    def check(self):
        word = os.urandom(8)
        self.area[:8] = word
        os.write(self.mouth, b'x')
        os.read(self.other_says, 1)
        expect(self.area[8:16], word, 'copied by the child')


@case('memory shared with a child that forked before it was written: copy on write holds', alone=True)
class CopyOnWrite(Case):
    def setup(self):
        self.address = anonymous(16 * PAGE)
        ctypes.memset(self.address, 1, 16 * PAGE)
        ears, self.mouth = os.pipe()
        self.other_says, mouth = os.pipe()

        def second():
            while os.read(ears, 1):
                os.write(mouth, ctypes.string_at(self.address, 4))
        child(second)
        ctypes.memset(self.address, 2, PAGE)

    def check(self):
        ctypes.memset(self.address + PAGE, 3, PAGE)
        os.write(self.mouth, b'x')
        expect(os.read(self.other_says, 4), b'\1' * 4, 'what the child sees')
        expect(ctypes.string_at(self.address, 1), b'\2', 'what the parent sees')


@case('memory of files: private changes stay private, shared changes reach the file')
class OfFiles(Case):
    def setup(self):
        self.path = '/var/tmp/probe-mapped'
        with open(self.path, 'wb') as file:
            file.write(b'file' * (16 * PAGE // 4))
        with open(self.path, 'r+b') as file:
            self.private = mmap.mmap(file.fileno(), 0, mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_WRITE)
            self.shared = mmap.mmap(file.fileno(), 0, mmap.MAP_SHARED)
        self.private[:4] = b'mine'
        self.shared[PAGE:PAGE + 4] = b'ours'

    def facts(self):
        with open('/proc/self/maps') as maps, open(self.path, 'rb') as file:
            return {'private': hashlib.sha256(self.private).hexdigest(), 'shared': hashlib.sha256(self.shared).hexdigest(),
                    'file': hashlib.sha256(file.read()).hexdigest(), 'mapped': sorted(line.split()[1] for line in maps if line.rstrip().endswith(self.path))}

    def check(self):
        self.private[4:8] = b'MINE'
        self.shared[2 * PAGE:2 * PAGE + 4] = b'OURS'
        with open(self.path, 'rb') as file:
            content = file.read()
        expect((content[:8], content[2 * PAGE:2 * PAGE + 4]), (b'filefile', b'OURS'), 'the file')
        with open(self.path, 'r+b') as file:
            file.seek(3 * PAGE)
            file.write(b'seen')
        expect((self.private[3 * PAGE:3 * PAGE + 4], self.shared[3 * PAGE:3 * PAGE + 4]), (b'seen', b'seen'), 'a change of the file, through the mappings')


@case('protection: read-only, no access and guard pages fault as before', alone=True)
class Protection(Case):
    def setup(self):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        self.address = anonymous(8 * PAGE)
        ctypes.memset(self.address, 7, 8 * PAGE)
        call('mprotect', self.address + 2 * PAGE, PAGE, READ)
        call('mprotect', self.address + 4 * PAGE, PAGE, NONE)
        call('mprotect', self.address + 6 * PAGE, PAGE, READ | EXECUTE)

    def facts(self):
        return {'areas': areas(self.address, 8 * PAGE)}

    def check(self):
        at = lambda page: self.address + page * PAGE
        expect(ended_by(poke(at(1))), 0, 'writing to a writable page')
        expect(ended_by(poke(at(2))), signal.SIGSEGV, 'writing to a read-only page')
        expect(ended_by(peek(at(4))), signal.SIGSEGV, 'reading a page without access')
        expect(ended_by(poke(at(6))), signal.SIGSEGV, 'writing to an executable page')
        call('mprotect', at(4), PAGE, READ)
        expect(ctypes.string_at(at(4), 1), b'\7', 'behind the guard')
        call('mprotect', at(4), PAGE, NONE)


@case('advice: huge pages, not for children, not for dumps, wiped in children, grows down', alone=True)
class Advice(Case):
    advice = {'hg': MADV_HUGEPAGE, 'dc': MADV_DONTFORK, 'dd': MADV_DONTDUMP, 'wf': MADV_WIPEONFORK}

    def setup(self):
        self.areas = {}
        for flag, advice in self.advice.items():
            size = 4 << 20 if flag == 'hg' else 4 * PAGE
            self.areas[flag] = anonymous(size)
            call('madvise', self.areas[flag], size, advice)
            ctypes.memset(self.areas[flag], 1, PAGE)
        self.areas['gd'] = anonymous(4 * PAGE, flags=MAP_GROWSDOWN)
        self.areas['nr'] = anonymous(4 * PAGE, flags=MAP_NORESERVE)
        self.areas['lo'] = anonymous(4 * PAGE)
        call('mlock', ctypes.c_void_p(self.areas['lo']), ctypes.c_size_t(4 * PAGE))

    def flags_at(self, address):
        inside = False
        with open('/proc/self/smaps') as file:
            for line in file:
                found = re.match(r'(\w+)-(\w+) ', line)
                if found:
                    inside = int(found[1], 16) <= address < int(found[2], 16)
                elif inside and line.startswith('VmFlags:'):
                    return line.split()[1:]

    def facts(self):
        return {flag: flag in self.flags_at(address) for flag, address in self.areas.items()}

    def check(self):
        ensure(all(self.facts().values()), f'flags: {self.facts()}')
        expect(ended_by(lambda: ctypes.string_at(self.areas['wf'], 1)[0]), 0, 'wiped in a child')
        expect(ended_by(peek(self.areas['dc'])), signal.SIGSEGV, 'absent in a child')


@case('pages guarded by MADV_GUARD_INSTALL still fault', alone=True)
class Guards(Case):
    def setup(self):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        self.address = anonymous(8 * PAGE)
        ctypes.memset(self.address, 7, 8 * PAGE)
        call('madvise', self.address + 3 * PAGE, PAGE, MADV_GUARD_INSTALL)

    def facts(self):
        return {'around': [ctypes.string_at(self.address + page * PAGE, 1).hex() for page in (2, 4)]}

    def check(self):
        expect(ended_by(peek(self.address + 3 * PAGE)), signal.SIGSEGV, 'reading a guarded page')


@case('the heap and the stack stay where they are and can grow', alone=True)
class HeapAndStack(Case):
    def setup(self):
        self.local = ctypes.create_string_buffer(b'on the heap', 64)

    def facts(self):
        with open('/proc/self/maps') as file:
            starts = {line.split()[-1]: line.split('-')[0] for line in file if line.rstrip().endswith(('[heap]', '[vdso]'))}
        return {'starts': starts, 'buffer': hex(ctypes.addressof(self.local)), 'content': self.local.value.decode()}

    def check(self):
        def deep(level):
            return 1 if level == 0 else 1 + deep(level - 1)
        expect(deep(900), 901, 'recursion')
        expect(len(bytearray(32 << 20)), 32 << 20, 'allocation')
