"""Open files, locks, FIFOs, memory files, directories, and the POD's private file layer."""
import fcntl
import hashlib
import mmap
import os
import signal
import stat
import struct
import threading

from probe import Case, case, child, ensure, eventually, expect

HERE = '/var/tmp/probe-files'
LOWER = '/usr/lib/probe/lower'  # in the environment, written by its recipe
F_OFD_GETLK, F_OFD_SETLK, F_OFD_SETLKW = 36, 37, 38


def place(name):
    os.makedirs(HERE, exist_ok=True)
    return f'{HERE}/{name}'


def digest(descriptor):
    """Of a file from its start, leaving the offset alone."""
    return hashlib.sha256(os.pread(descriptor, 1 << 26, 0)).hexdigest()


def attributes(of):
    """What stat(2) says. Not the inode number and not the change time: the layer is copied, and those belong to the file system it lives on."""
    found = os.stat(of, follow_symlinks=False) if isinstance(of, str) else os.stat(of)
    return {name: getattr(found, name) for name in ('st_mode', 'st_uid', 'st_gid', 'st_size', 'st_nlink', 'st_mtime_ns')}


@case('an open file keeps its offset, flags and shared descriptors', alone=True)
class Offset(Case):
    def setup(self):
        self.path = place('offset')
        with open(self.path, 'wb') as file:
            file.write(os.urandom(100000))
        self.file = os.open(self.path, os.O_RDWR | os.O_NONBLOCK)
        self.copy = os.dup(self.file)
        os.set_inheritable(self.copy, True)
        os.lseek(self.file, 12345, os.SEEK_SET)
        gate, self.gate = os.pipe()

        def second():
            while os.read(gate, 1):
                os.lseek(self.file, 1000, os.SEEK_CUR)
        child(second)

    def facts(self):
        return {'offsets': [os.lseek(f, 0, os.SEEK_CUR) for f in (self.file, self.copy)], 'flags': fcntl.fcntl(self.file, fcntl.F_GETFL),
                'inheritable': [os.get_inheritable(f) for f in (self.file, self.copy)], 'path': os.readlink(f'/proc/self/fd/{self.file}'),
                'numbers': (self.file, self.copy), 'content': digest(self.file), 'attributes': attributes(self.file)}

    def check(self):
        ensure(os.path.samestat(os.stat(self.path), os.fstat(self.file)), 'the path leads to another file')
        here = os.lseek(self.copy, 0, os.SEEK_CUR)
        os.write(self.gate, b'x')
        eventually(lambda: os.lseek(self.copy, 0, os.SEEK_CUR) == here + 1000, 'another process moved the common offset')


@case('O_APPEND: writes of two descriptors go to the end')
class Append(Case):
    def setup(self):
        self.files = [os.open(place('append'), os.O_WRONLY | os.O_CREAT | os.O_APPEND) for _ in range(2)]
        self.text = b''
        self.write()

    def write(self):
        for number, file in enumerate(self.files):
            self.text += b'line of %d\n' % number
            os.write(file, b'line of %d\n' % number)

    def facts(self):
        return {'flags': [fcntl.fcntl(file, fcntl.F_GETFL) for file in self.files], 'attributes': attributes(place('append'))}

    def check(self):
        self.write()
        with open(place('append'), 'rb') as file:
            expect(file.read(), self.text, 'the file')


class Deleted(Case):
    size = 0

    def setup(self):
        path = place(f'deleted-{self.size}')
        self.file = os.open(path, os.O_RDWR | os.O_CREAT, 0o640)
        os.write(self.file, os.urandom(self.size))
        os.unlink(path)
        os.lseek(self.file, 77, os.SEEK_SET)

    def facts(self):
        return {'name': os.readlink(f'/proc/self/fd/{self.file}'), 'offset': os.lseek(self.file, 0, os.SEEK_CUR), 'content': digest(self.file),
                'attributes': {**attributes(self.file), 'st_mtime_ns': 0}}  # a ghost is written anew

    def check(self):
        size = os.fstat(self.file).st_size
        os.pwrite(self.file, b'more', size)
        expect(os.pread(self.file, 8, size), b'more', 'written behind the end')
        os.ftruncate(self.file, size)
        ensure(not os.path.exists(place(f'deleted-{self.size}')), 'the name is back')


@case('a small deleted file that is open')
class SmallDeleted(Deleted):
    size = 1000


@case('a deleted file of 5 MB that is open')
class BigDeleted(Deleted):
    size = 5 << 20


@case('an open file whose name was deleted but has another link')
class OtherLink(Case):
    def setup(self):
        for name in ('link-kept', 'link-deleted'):
            if os.path.exists(place(name)):
                os.unlink(place(name))
        self.file = os.open(place('link-deleted'), os.O_RDWR | os.O_CREAT)
        os.write(self.file, b'one file, two names')
        os.link(place('link-deleted'), place('link-kept'))
        os.unlink(place('link-deleted'))

    def facts(self):
        return {'content': digest(self.file), 'names': sorted(name for name in os.listdir(HERE) if 'link-' in name)}

    def check(self):
        os.pwrite(self.file, b'ONE', 0)
        with open(place('link-kept'), 'rb') as file:
            expect(file.read(), b'ONE file, two names', 'through the other name')
        os.pwrite(self.file, b'one', 0)


@case('a deleted file of the environment that is open')
class DeletedLower(Case):
    """Each move needs a fresh file: the first one turns it into an ordinary deleted one."""

    def setup(self):
        self.entry = next(name for name in sorted(os.listdir(LOWER)) if name.startswith('delete-'))
        self.file = os.open(f'{LOWER}/{self.entry}', os.O_RDONLY)
        os.unlink(f'{LOWER}/{self.entry}')

    def facts(self):
        return {'content': digest(self.file), 'there': os.path.exists(f'{LOWER}/{self.entry}')}

    renew = setup


class CopiedUp(Case):
    """Overlay makes a copy of a file of the environment at its first change. Descriptors go over to the copy, mappings do not."""

    def setup(self):
        self.entry = next(name for name in sorted(os.listdir(LOWER)) if name.startswith(self.prefix))
        self.file = os.open(f'{LOWER}/{self.entry}', os.O_RDONLY)
        self.map = mmap.mmap(self.file, 0, mmap.MAP_PRIVATE, mmap.PROT_READ)
        os.lseek(self.file, 11, os.SEEK_SET)
        self.change(f'{LOWER}/{self.entry}')
        os.rename(f'{LOWER}/{self.entry}', f'{LOWER}/used-{self.entry}')

    def facts(self):
        return {'mapped': self.map[:16].decode(), 'open': os.pread(self.file, 16, 0).decode(), 'offset': os.lseek(self.file, 0, os.SEEK_CUR),
                'name': os.readlink(f'/proc/self/fd/{self.file}')}

    def renew(self):
        self.map.close()
        os.close(self.file)
        self.setup()


@case('a file of the environment, open and mapped, then copied up by a longer end, another mode and another name')
class Lengthened(CopiedUp):
    prefix = 'lengthen-'

    def change(self, path):
        with open(path, 'a') as file:
            file.write('one line more')
        os.chmod(path, 0o600)


@case('a file of the environment, mapped, then changed in place: the mapping shows the new content after a move, as on any other file system')
class Changed(CopiedUp):
    """Before the move overlay goes on showing the old content through the mapping; a restored mapping is one of the copy."""
    prefix = 'change-'

    def change(self, path):
        with open(path, 'r+b') as file:
            file.write(b'changed')

    def facts(self):
        return {'open': os.pread(self.file, 16, 0).decode()}

    def check(self):
        expect(self.map[:7], b'changed', 'the mapping')


class Locks(Case):
    """Someone holds a lock, someone waits for it. `take(file, wait)` takes it or raises BlockingIOError."""

    def setup(self):
        self.path = place(f'lock-{type(self).__name__}')
        self.file = os.open(self.path, os.O_RDWR | os.O_CREAT)
        os.ftruncate(self.file, 100)
        self.hold()

    def hold(self):
        self.take(self.file, False)

        def waiter():
            os.close(self.file)
            self.take(os.open(self.path, os.O_RDWR), True)
        self.waiter = child(waiter)

    def taken(self):
        def try_it():
            os.close(self.file)
            try:
                self.take(os.open(self.path, os.O_RDWR), False)
            except BlockingIOError:
                return 1
            return 0
        return os.waitstatus_to_exitcode(os.waitpid(child(try_it), 0)[1]) == 1

    def facts(self):
        return {'taken': self.taken()}

    def check(self):
        expect(os.waitpid(self.waiter, os.WNOHANG), (0, 0), 'the waiter')
        self.release(self.file)
        expect(os.waitpid(self.waiter, 0), (self.waiter, 0), 'the waiter after the release')
        expect(self.taken(), False, 'taken at the end')

    def renew(self):
        self.hold()


@case('flock: held, with a waiter', alone=True)
class Flock(Locks):
    def take(self, file, wait):
        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))

    def release(self, file):
        fcntl.flock(file, fcntl.LOCK_UN)


@case('fcntl record locks: held, with a waiter', alone=True)
class RecordLock(Locks):
    def take(self, file, wait):
        fcntl.lockf(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB), 20, 10)

    def release(self, file):
        fcntl.lockf(file, fcntl.LOCK_UN, 20, 10)


@case('open-file-description locks: held, with a waiter', alone=True)
class DescriptionLock(Locks):
    def take(self, file, wait):
        fcntl.fcntl(file, F_OFD_SETLKW if wait else F_OFD_SETLK, struct.pack('hhqqi4x', fcntl.F_WRLCK, 0, 5, 10, 0))

    def release(self, file):
        fcntl.fcntl(file, F_OFD_SETLK, struct.pack('hhqqi4x', fcntl.F_UNLCK, 0, 5, 10, 0))


@case('a lease: held, its holder told when someone wants the file', alone=True)
class Lease(Case):
    def setup(self):
        path = place('lease')
        self.file = os.open(path, os.O_RDWR | os.O_CREAT)
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGIO])
        fcntl.fcntl(self.file, fcntl.F_SETLEASE, fcntl.F_WRLCK)

    def facts(self):
        return {'lease': fcntl.fcntl(self.file, fcntl.F_GETLEASE)}

    def check(self):
        def wants_it():
            os.close(self.file)
            os.open(place('lease'), os.O_RDONLY)
        other = child(wants_it)
        ensure(signal.sigtimedwait([signal.SIGIO], 5), 'no SIGIO')
        fcntl.fcntl(self.file, fcntl.F_SETLEASE, fcntl.F_UNLCK)
        expect(os.waitpid(other, 0), (other, 0), 'the one who wanted it')

    def renew(self):
        os.close(self.file)
        self.setup()


@case('a FIFO with data in it')
class Fifo(Case):
    def setup(self):
        if not os.path.exists(place('fifo')):
            os.mkfifo(place('fifo'), 0o600)
        self.ends = os.open(place('fifo'), os.O_RDONLY | os.O_NONBLOCK), os.open(place('fifo'), os.O_WRONLY)
        self.fill()

    def fill(self):
        os.write(self.ends[1], b'in the fifo')

    def check(self):
        expect(os.read(self.ends[0], 100), b'in the fifo', 'the data')
        by_name = os.open(place('fifo'), os.O_WRONLY | os.O_NONBLOCK)
        os.write(by_name, b'by name')
        os.close(by_name)
        expect(os.read(self.ends[0], 100), b'by name', 'written through the name')

    renew = fill


@case('a sealed memory file, mapped and open')
class MemoryFile(Case):
    seals = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE

    def setup(self):
        self.file = os.memfd_create('probe', os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        os.write(self.file, os.urandom(20000))
        fcntl.fcntl(self.file, fcntl.F_ADD_SEALS, self.seals)
        self.map = mmap.mmap(self.file, 0, mmap.MAP_PRIVATE, mmap.PROT_READ)

    def facts(self):
        return {'name': os.readlink(f'/proc/self/fd/{self.file}'), 'seals': fcntl.fcntl(self.file, fcntl.F_GET_SEALS), 'content': digest(self.file),
                'mapped': hashlib.sha256(self.map[:20000]).hexdigest(), 'offset': os.lseek(self.file, 0, os.SEEK_CUR)}

    def check(self):
        for action in (lambda: os.write(self.file, b'x'), lambda: os.ftruncate(self.file, 10)):
            try:
                action()
            except PermissionError:
                continue
            ensure(False, 'a sealed file was changed')


@case('a memory file that two processes write through shared mappings', alone=True)
class SharedMemoryFile(Case):
    def setup(self):
        self.file = os.memfd_create('probe-shared')
        os.ftruncate(self.file, 1 << 20)
        self.map = mmap.mmap(self.file, 1 << 20)
        self.map[:] = os.urandom(1 << 20)
        ears, self.mouth = os.pipe()
        self.other_says, mouth = os.pipe()

        def second():
            theirs = mmap.mmap(self.file, 1 << 20)
            while os.read(ears, 1):
                theirs[8:16] = theirs[:8]
                os.ftruncate(self.file, os.fstat(self.file).st_size + 4096)
                os.write(mouth, b'.')
        child(second)

    def facts(self):
        return {'content': hashlib.sha256(self.map).hexdigest(), 'size': os.fstat(self.file).st_size, 'seals': fcntl.fcntl(self.file, fcntl.F_GET_SEALS)}

    def check(self):
        word, size = os.urandom(8), os.fstat(self.file).st_size
        os.pwrite(self.file, word, 0)
        os.write(self.mouth, b'x')
        expect(os.read(self.other_says, 1), b'.', 'the other process')
        expect((self.map[8:16], os.pread(self.file, 8, 8), os.fstat(self.file).st_size), (word, word, size + 4096), 'what it wrote')


@case('a directory descriptor and the working directory', alone=True)
class Directories(Case):
    def setup(self):
        os.makedirs(place('directory/inner'), exist_ok=True)
        self.directory = os.open(place('directory'), os.O_RDONLY | os.O_DIRECTORY)
        self.path_only = os.open(place('directory'), os.O_PATH)
        os.chdir(place('directory/inner'))

    def facts(self):
        return {'cwd': os.getcwd(), 'listing': sorted(os.listdir(self.directory)), 'flags': fcntl.fcntl(self.path_only, fcntl.F_GETFL)}

    def check(self):
        for directory in (self.directory, self.path_only):
            file = os.open('new', os.O_CREAT | os.O_WRONLY, dir_fd=directory)
            os.close(file)
            ensure(os.path.exists('../new'), 'a file made through the descriptor is not seen from the working directory')
            os.unlink('../new')


@case('a working directory that was removed', alone=True)
class RemovedDirectory(Case):
    def setup(self):
        os.makedirs(place('removed'), exist_ok=True)
        os.chdir(place('removed'))
        os.rmdir(place('removed'))

    def facts(self):
        return {'cwd': os.readlink('/proc/self/cwd'), 'links': os.stat('.').st_nlink}

    def check(self):
        try:
            open('impossible', 'w')
        except FileNotFoundError:
            return
        ensure(False, 'a file was made in a removed directory')


@case('a reader blocked on an empty FIFO gets what is written after the move', alone=True)
class BlockedReader(Case):
    def setup(self):
        if not os.path.exists(place('fifo-blocked')):
            os.mkfifo(place('fifo-blocked'))
        self.file = os.open(place('fifo-blocked'), os.O_RDWR)
        self.got = []
        self.thread = threading.Thread(target=lambda: self.got.append(os.read(self.file, 100)), daemon=True)
        self.thread.start()

    def check(self):
        expect(self.got, [], 'before anything was written')
        os.write(self.file, b'at last')
        self.thread.join(5)
        expect(self.got, [b'at last'], 'what the reader got')
        os.close(self.file)

    renew = setup


@case('file modes, owners, times, links, holes and extended attributes', alone=True)
class Metadata(Case):
    def setup(self):
        for owner in (0, 1000, 33):
            path = place(f'owned-by-{owner}')
            with open(path, 'w') as file:
                file.write('x' * owner)
            os.chown(path, owner, owner)
            os.chmod(path, 0o4750 if owner else 0o600)  # after chown, which clears set-user-id
            os.utime(path, ns=(1_000_000_001, 1_234_567_890_123_456_789))
        os.setxattr(place('owned-by-0'), 'user.probe', b'\x00binary\xff')
        with open(place('hole'), 'wb') as file:
            file.seek(10 << 20)
            file.write(b'end')
        if not os.path.lexists(place('symbolic')):
            os.symlink('nowhere/at all', place('symbolic'))
            os.link(place('hole'), place('hard'))
        self.odd = os.path.join(HERE.encode(), b'odd \n\xff\t name')
        open(self.odd, 'w').close()

    def facts(self):
        return {**{name: attributes(place(name)) for name in ('owned-by-0', 'owned-by-1000', 'owned-by-33', 'hole', 'hard', 'symbolic')},
                'attribute': os.getxattr(place('owned-by-0'), 'user.probe').hex(), 'target': os.readlink(place('symbolic')),
                'odd name': os.path.exists(self.odd), 'one file': os.path.samefile(place('hole'), place('hard'))}

    def check(self):
        ensure(os.stat(place('hole')).st_blocks < 2048, 'the hole was filled')
        expect([stat.S_IMODE(os.stat(place(f'owned-by-{owner}')).st_mode) for owner in (0, 1000, 33)], [0o600, 0o4750, 0o4750], 'modes')
