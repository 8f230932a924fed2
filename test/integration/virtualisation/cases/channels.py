"""Pipes, unix sockets, eventfd, signalfd, epoll, inotify: what processes of one POD say to each other."""
import ctypes
import fcntl
import os
import select
import signal
import socket
import struct

from native import call
from probe import Case, case, child, ensure, expect

HERE = '/run/probe-channels'
FIONREAD = 0x541B
F_SETPIPE_SZ, F_GETPIPE_SZ = 1031, 1032
EPOLLET = 1 << 31
IN_CREATE, IN_DELETE, IN_MODIFY, IN_CLOSE_WRITE, IN_NONBLOCK = 0x100, 0x200, 0x2, 0x8, 0o4000
STREAM, DATAGRAM, SEQUENCED = socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET


def place(name):
    os.makedirs(HERE, exist_ok=True)
    path = f'{HERE}/{name}'
    return path


def bound(kind, name):
    sock = socket.socket(socket.AF_UNIX, kind)
    if os.path.lexists(place(name)):
        os.unlink(place(name))
    sock.bind(place(name))
    return sock


def text(name):
    return name.decode() if isinstance(name, bytes) else name


def peer_of(end):
    return struct.unpack('3i', end.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))


def unread(descriptor):
    return struct.unpack('i', fcntl.ioctl(descriptor, FIONREAD, bytes(4)))[0]


@case('pipes: queued data, size, flags, and an end that was closed')
class Pipes(Case):
    def setup(self):
        self.plain, self.empty, self.closed = os.pipe(), os.pipe2(os.O_NONBLOCK), os.pipe()
        fcntl.fcntl(self.plain[1], F_SETPIPE_SZ, 262144)
        self.data = os.urandom(200000)
        os.write(self.plain[1], self.data)
        os.write(self.closed[1], b'last words')
        os.close(self.closed[1])

    def facts(self):
        return {'size': fcntl.fcntl(self.plain[0], F_GETPIPE_SZ), 'queued': [unread(pipe[0]) for pipe in (self.plain, self.closed)],
                'flags': [fcntl.fcntl(end, fcntl.F_GETFL) for end in self.plain + self.empty]}

    def check(self):
        got = b''
        while len(got) < len(self.data):
            got += os.read(self.plain[0], 65536)
        ensure(got == self.data, 'the data of the pipe changed')
        expect([os.read(self.closed[0], 100) for _ in range(2)], [b'last words', b''], 'the closed pipe')
        try:
            os.read(self.empty[0], 1)
        except BlockingIOError:
            return
        ensure(False, 'the empty pipe had something')

    def renew(self):
        for end in (*self.plain, *self.empty, self.closed[0]):
            os.close(end)
        self.setup()


@case('a pipe between two processes: a writer that was blocked goes on', alone=True)
class BlockedWriter(Case):
    def setup(self):
        self.output, end = os.pipe()

        def writer():
            os.close(self.output)
            rest = bytes(range(256)) * 1024  # four times what a pipe holds
            while rest:  # the freeze cuts a write that was blocked half-way short, as a signal would
                rest = rest[os.write(end, rest):]
        self.writer = child(writer)
        os.close(end)

    def check(self):
        got = b''
        while chunk := os.read(self.output, 65536):
            got += chunk
        expect(len(got), 262144, 'bytes')
        ensure(got == bytes(range(256)) * 1024, 'the data changed')
        os.waitpid(self.writer, 0)
        os.close(self.output)

    renew = setup


class SocketPair(Case):
    def setup(self):
        self.ends = socket.socketpair(socket.AF_UNIX, self.kind)
        self.ends[0].setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 100000)
        for text in (b'first', b'second', b'third'):
            self.ends[0].send(text)
        self.ends[1].send(b'backwards')

    def facts(self):
        return {'sizes': [end.getsockopt(socket.SOL_SOCKET, option) for end in self.ends for option in (socket.SO_SNDBUF, socket.SO_RCVBUF)],
                'unread': [unread(end) for end in self.ends],
                'credentials': [peer_of(end) for end in self.ends]}

    def check(self):
        got = [self.ends[1].recv(100) for _ in range(1 if self.kind == STREAM else 3)]
        expect(b'|'.join(got), b'firstsecondthird' if self.kind == STREAM else b'first|second|third', 'forwards')
        expect(self.ends[0].recv(100), b'backwards', 'backwards')
        self.ends[0].send(b'new')
        expect(self.ends[1].recv(100), b'new', 'sent after the move')
        if self.kind == DATAGRAM:
            return
        self.ends[0].shutdown(socket.SHUT_WR)
        expect(self.ends[1].recv(100), b'', 'end after shutdown')

    def renew(self):
        for end in self.ends:
            end.close()
        self.setup()


@case('unix stream pair with queued data both ways', alone=True)
class StreamPair(SocketPair):
    kind = STREAM


@case('unix datagram pair with queued datagrams', alone=True)
class DatagramPair(SocketPair):
    kind = DATAGRAM


@case('unix seqpacket pair with queued packets', alone=True)
class SequencedPair(SocketPair):
    kind = SEQUENCED


@case('unix sockets with names: listening ones accept after the move, connected ones keep their data', alone=True)
class Named(Case):
    def setup(self):
        self.listeners = {kind: bound(kind, f'listener-{kind}') for kind in (STREAM, SEQUENCED)}
        self.abstract = socket.socket(socket.AF_UNIX, STREAM)
        self.abstract.bind('\0probe-abstract')
        self.pairs = []
        for listener in (*self.listeners.values(), self.abstract):
            listener.listen(8)
            client = socket.socket(socket.AF_UNIX, listener.type)
            client.connect(listener.getsockname())
            server = listener.accept()[0]
            self.pairs.append((client, server))
        self.fill()

    def fill(self):
        for client, server in self.pairs:
            client.send(b'to the server')
            server.send(b'to the client')

    def facts(self):
        return {'names': [text(listener.getsockname()) for listener in (*self.listeners.values(), self.abstract)],
                'credentials': [peer_of(end) for pair in self.pairs for end in pair],
                'accepting': [listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) for listener in self.listeners.values()],
                'modes': [os.stat(place(f'listener-{kind}')).st_mode for kind in self.listeners]}

    def check(self):
        for client, server in self.pairs:
            expect((server.recv(100), client.recv(100)), (b'to the server', b'to the client'), 'queued data')
        for listener in (*self.listeners.values(), self.abstract):
            with socket.socket(socket.AF_UNIX, listener.type) as client:
                client.connect(listener.getsockname())
                with listener.accept()[0] as server:
                    client.send(b'hello')
                    expect(server.recv(10), b'hello', 'a new connection')

    renew = fill


@case('the names of connected unix sockets (getsockname, getpeername) are lost in a move', alone=True)
class LostNames(Case):
    """CRIU makes connected pairs anew, without names. Said here so that it is noticed when that changes."""

    def setup(self):
        self.listener = bound(STREAM, 'lost-names')
        self.listener.listen(8)
        self.connect()

    def connect(self):
        self.client = socket.socket(socket.AF_UNIX, STREAM)
        self.client.connect(self.listener.getsockname())
        self.server = self.listener.accept()[0]
        expect((self.server.getsockname(), self.client.getpeername()), (place('lost-names'),) * 2, 'names when new')

    def check(self):
        expect((self.server.getsockname(), self.client.getpeername()), ('', ''), 'names')
        expect(self.listener.getsockname(), place('lost-names'), 'the name of the listening one')

    renew = connect


@case('unix datagram sockets with names: queued datagrams keep their sender', alone=True)
class NamedDatagrams(Case):
    def setup(self):
        self.server, self.client = bound(DATAGRAM, 'datagram-server'), bound(DATAGRAM, 'datagram-client')
        self.client.connect(place('datagram-server'))
        self.fill()

    def fill(self):
        self.client.send(b'one')
        self.client.send(b'two')

    def check(self):
        expect([self.server.recvfrom(10)[0] for _ in range(2)], [b'one', b'two'], 'datagrams')
        with socket.socket(socket.AF_UNIX, DATAGRAM) as stranger:
            stranger.sendto(b'three', place('datagram-server'))
        expect(self.server.recv(10), b'three', 'sent by name after the move')

    renew = fill


@case('descriptors in flight (SCM_RIGHTS): a file, a pipe and a socket arrive after the move', alone=True)
class InFlight(Case):
    def setup(self):
        self.ends = socket.socketpair(socket.AF_UNIX, STREAM)
        file = os.open(place('in-flight'), os.O_RDWR | os.O_CREAT | os.O_TRUNC)
        os.write(file, b'content of the file')
        os.lseek(file, 8, os.SEEK_SET)
        self.pipe_end, pipe = os.pipe()
        self.socket_end, sock = socket.socketpair(socket.AF_UNIX, STREAM)
        socket.send_fds(self.ends[0], [b'three descriptors'], [file, pipe, sock.fileno()])
        os.close(file)
        os.close(pipe)
        sock.close()

    def facts(self):
        return {'open': len(os.listdir('/proc/self/fd'))}

    def check(self):
        text, (file, pipe, sock), _flags, _sender = socket.recv_fds(self.ends[1], 100, 5)
        expect(text, b'three descriptors', 'the message')
        expect(os.read(file, 100), b'of the file', 'the file, from its offset on')
        os.write(pipe, b'through the pipe')
        expect(os.read(self.pipe_end, 100), b'through the pipe', 'the pipe')
        os.write(sock, b'through the socket')
        expect(self.socket_end.recv(100), b'through the socket', 'the socket')
        for descriptor in (file, pipe, sock, self.pipe_end):
            os.close(descriptor)
        for end in (*self.ends, self.socket_end):
            end.close()

    renew = setup


@case('credentials over a unix socket name the sender after the move', alone=True)
class Credentials(Case):
    def setup(self):
        self.ends = socket.socketpair(socket.AF_UNIX, STREAM)
        self.ends[1].setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)

    def facts(self):
        return {'wanted': self.ends[1].getsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED)}

    def check(self):
        self.ends[0].send(b'who')
        _text, ancillary, _flags, _address = self.ends[1].recvmsg(10, socket.CMSG_SPACE(12))
        expect(struct.unpack('3i', ancillary[0][2][:12]), (os.getpid(), os.getuid(), os.getgid()), 'SCM_CREDENTIALS')


@case('eventfd: counter and flags')
class Events(Case):
    def setup(self):
        self.counter = os.eventfd(5, os.EFD_NONBLOCK)

    def facts(self):
        with open(f'/proc/self/fdinfo/{self.counter}') as file:
            return {'flags': fcntl.fcntl(self.counter, fcntl.F_GETFL), 'count': next(line.split()[1] for line in file if 'eventfd-count' in line)}

    def check(self):
        os.eventfd_write(self.counter, 3)
        expect(os.eventfd_read(self.counter), 8, 'the counter')
        expect(select.select([self.counter], [], [], 0)[0], [], 'readable when empty')
        os.eventfd_write(self.counter, 5)


@case('eventfd: EFD_SEMAPHORE keeps its count, but becomes a plain counter in a move')
class EventSemaphore(Case):
    """CRIU does not ask for that mode. Said here so that it is noticed when that changes."""

    def setup(self):
        self.file = os.eventfd(3, os.EFD_SEMAPHORE | os.EFD_NONBLOCK)
        expect(os.eventfd_read(self.file), 1, 'one of three')

    def check(self):
        expect(os.eventfd_read(self.file), 2, 'the rest, at once')

    def renew(self):
        os.close(self.file)
        self.setup()


@case('signalfd with a pending signal', alone=True)
class SignalDescriptor(Case):
    def setup(self):
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1, signal.SIGRTMIN])
        mask = ctypes.c_ulong(1 << signal.SIGUSR1 - 1 | 1 << signal.SIGRTMIN - 1)
        self.file = call('signalfd', -1, ctypes.byref((ctypes.c_ulong * 16)(mask.value)), 0)
        self.send()

    def send(self):
        os.kill(os.getpid(), signal.SIGUSR1)
        call('sigqueue', os.getpid(), int(signal.SIGRTMIN), ctypes.c_void_p(4711))

    def facts(self):
        return {'readable': select.select([self.file], [], [], 0)[0] == [self.file],
                'mask': next(line.split()[1] for line in open(f'/proc/self/fdinfo/{self.file}') if 'sigmask' in line)}

    def check(self):
        found = [os.read(self.file, 128) for _ in range(2)]
        expect([struct.unpack_from('I', info)[0] for info in found], [signal.SIGUSR1, signal.SIGRTMIN], 'signals')
        expect([struct.unpack_from('I', info, 12)[0] for info in found], [os.getpid()] * 2, 'who sent them')
        expect(struct.unpack_from('i', found[1], 44)[0], 4711, 'the value sent along')

    renew = send


@case('epoll: what is watched, pending events, edges, user data')
class Epoll(Case):
    def setup(self):
        self.epoll = select.epoll()
        self.level, self.edge, self.quiet = os.pipe(), os.pipe(), os.pipe()
        os.write(self.level[1], b'x')
        os.write(self.edge[1], b'x')
        self.epoll.register(self.level[0], select.EPOLLIN)
        self.epoll.register(self.edge[0], select.EPOLLIN | EPOLLET)
        self.epoll.register(self.quiet[0], select.EPOLLIN | select.EPOLLONESHOT)
        self.nested = select.epoll()
        self.nested.register(self.epoll.fileno(), select.EPOLLIN)

    def watched(self, epoll):
        return sorted(line.split()[1:6:2] for line in open(f'/proc/self/fdinfo/{epoll.fileno()}') if line.startswith('tfd'))

    def facts(self):
        return {'watched': self.watched(self.epoll), 'nested': self.watched(self.nested)}

    def check(self):
        expect([fd for fd, _ in self.nested.poll(1)], [self.epoll.fileno()], 'the nested epoll')
        ready = {fd for fd, _ in self.epoll.poll(1)}
        ensure(self.level[0] in ready, 'the level-triggered one is not ready')
        self.epoll.poll(0)
        os.write(self.edge[1], b'y')
        os.write(self.quiet[1], b'z')
        ready = {fd for fd, _ in self.epoll.poll(1)}
        expect(ready, {self.level[0], self.edge[0], self.quiet[0]}, 'ready after new data')
        ready = {fd for fd, _ in self.epoll.poll(1)}
        expect(ready, {self.level[0]}, 'ready at once again')
        os.read(self.edge[0], 1)
        os.read(self.quiet[0], 1)
        self.epoll.modify(self.quiet[0], select.EPOLLIN | select.EPOLLONESHOT)


@case('inotify: watches of files and directories go on, under the same numbers')
class Inotify(Case):
    def setup(self):
        os.makedirs('/var/tmp/probe-watched', exist_ok=True)
        open('/var/tmp/probe-watched/file', 'w').close()
        self.file = call('inotify_init1', IN_NONBLOCK)
        self.watches = {path: call('inotify_add_watch', self.file, path.encode(), mask) for path, mask in (
            ('/var/tmp/probe-watched', IN_CREATE | IN_DELETE), ('/var/tmp/probe-watched/file', IN_CLOSE_WRITE), ('/etc', IN_CREATE), ('/etc/passwd', IN_MODIFY))}

    def facts(self):
        return {'watches': sorted(line.split()[1] + line.split()[4] for line in open(f'/proc/self/fdinfo/{self.file}') if line.startswith('inotify'))}

    def events(self):
        try:
            data, found = os.read(self.file, 65536), []
        except BlockingIOError:
            return []
        while data:
            watch, mask, _cookie, size = struct.unpack_from('iIII', data)
            found.append((watch, mask, data[16:16 + size].rstrip(b'\0').decode()))
            data = data[16 + size:]
        return found

    def check(self):
        self.events()
        directory, file, etc, passwd = self.watches.values()
        open('/var/tmp/probe-watched/new', 'w').close()
        with open('/var/tmp/probe-watched/file', 'a') as written:
            written.write('x')
        open('/etc/probe-new', 'w').close()
        with open('/etc/passwd', 'a') as written:
            written.write('')
        os.unlink('/var/tmp/probe-watched/new')
        os.unlink('/etc/probe-new')
        expect(self.events(), [(directory, IN_CREATE, 'new'), (file, IN_CLOSE_WRITE, ''), (etc, IN_CREATE, 'probe-new'), (directory, IN_DELETE, 'new')], 'events')
        del passwd
