"""Sockets: TCP and UDP, with the outside and within the POD. A peer outside (peer.ts; its address is in PROBE_PEER) does what it is told in the first line of
a connection."""
import fcntl
import hashlib
import os
import select
import socket
import struct
import threading

from probe import Case, case, child, ensure, eventually, expect

HOST, PORT = os.environ['PROBE_PEER'].rsplit(':', 1)
PEER = (HOST, int(PORT))
SIOCGIFADDR, SIOCGIFNETMASK, SIOCGIFHWADDR, SIOCGIFMTU, SIOCINQ, SIOCOUTQ = 0x8915, 0x891B, 0x8927, 0x8921, 0x541B, 0x5411
OPTIONS = {'reuse': (socket.SOL_SOCKET, socket.SO_REUSEADDR), 'keepalive': (socket.SOL_SOCKET, socket.SO_KEEPALIVE), 'no delay': (socket.IPPROTO_TCP, socket.TCP_NODELAY),
           'keepalive idle': (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE), 'keepalive interval': (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL),
           'user timeout': (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)}
ESTABLISHED, FIN_WAIT2, CLOSE_WAIT = 1, 5, 8


def tell(command):
    """A connection to the peer, which has understood the command."""
    sock = socket.create_connection(PEER, timeout=10)
    sock.sendall(command.encode() + b'\n')
    expect(line_of(sock), 'ok', f'the answer to "{command}"')
    return sock


def line_of(sock):
    text = b''
    while not text.endswith(b'\n'):
        byte = sock.recv(1)
        ensure(byte, f'the connection ended after {text!r}')
        text += byte
    return text.decode().strip()


def exactly(sock, size):
    data = b''
    while len(data) < size:
        chunk = sock.recv(min(65536, size - len(data)))
        ensure(chunk, f'the connection ended after {len(data)} of {size} bytes')
        data += chunk
    return data


def pattern(size):
    """What the peer sends when it is told how much."""
    return (b''.join(b'%07d\n' % number for number in range(size // 8 + 1)))[:size]


def name_of(sock):
    """As the peer knows the connection."""
    return ':'.join(str(part) for part in sock.getsockname()[:2])


def state_of(sock):
    return sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 8)[0]


def queued(sock, request):
    return struct.unpack('i', fcntl.ioctl(sock, request, bytes(4)))[0]


def listening(port, family=socket.AF_INET):
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(('', port))
    sock.listen(16)
    sock.settimeout(10)
    return sock


class Connection(Case):
    """`open()` gives a connection with the peer at its other end, which sends back what it gets."""

    def setup(self):
        self.sock = self.open()

    def facts(self):
        return {'own': self.sock.getsockname(), 'peer': self.sock.getpeername(), 'state': state_of(self.sock),
                'options': {name: self.sock.getsockopt(*option) for name, option in OPTIONS.items()}}

    def check(self):
        for size in (5, 100000):
            data = os.urandom(size)
            writer = child(lambda: self.sock.sendall(data))
            got = exactly(self.sock, size)
            os.waitpid(writer, 0)
            ensure(got == data, f'{size} bytes came back changed')


@case('TCP from inside to outside: data both ways', alone=True)
class Outwards(Connection):
    def open(self):
        sock = tell('echo')
        for name in ('keepalive', 'no delay'):
            sock.setsockopt(*OPTIONS[name], 1)
        sock.setsockopt(*OPTIONS['keepalive idle'], 77)
        sock.setsockopt(*OPTIONS['keepalive interval'], 7)
        return sock


@case('TCP from outside to inside: data both ways', alone=True)
class Inwards(Connection):
    def open(self):
        with listening(7101) as listener:
            tell('dial 7101').close()
            sock, _ = listener.accept()
        return sock


@case('TCP: moved connections send segments as large as before', alone=True)
class SegmentSize(Case):
    """The kernel does not work the size out again when CRIU tells a connection what its peer takes: the path's MTU has to be seen to change."""

    def setup(self):
        self.sock = tell('echo')
        self.before = self.size()

    def size(self):
        return self.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG)

    def check(self):
        self.sock.sendall(b'word')
        expect(exactly(self.sock, 4), b'word', 'what came back')
        expect(self.size(), self.before, 'segment size')

    def renew(self):
        self.sock.close()
        self.setup()


@case('TCP: a listening socket takes new connections after the move', alone=True)
class Listening(Case):
    def setup(self):
        self.listeners = {7102: listening(7102), 7103: listening(7103, socket.AF_INET6)}

    def facts(self):
        return {'listening': [(sock.getsockname(), state_of(sock)) for sock in self.listeners.values()]}

    def check(self):
        for port, listener in self.listeners.items():
            tell(f'dial {port}').close()
            sock, _ = listener.accept()
            sock.sendall(b'hello')
            expect(exactly(sock, 5), b'hello', f'over a new connection to {port}')
            sock.close()


@case('TCP half-closed by us: the peer goes on sending', alone=True)
class HalfClosedHere(Case):
    def setup(self):
        self.sock = tell('after-end 50000')
        self.sock.sendall(b'request')
        self.sock.shutdown(socket.SHUT_WR)
        eventually(lambda: state_of(self.sock) == FIN_WAIT2, 'half-closed')

    def facts(self):
        return {'state': state_of(self.sock)}

    def check(self):
        tell(f'release {name_of(self.sock)}').close()
        ensure(exactly(self.sock, 50000) == pattern(50000), 'what was sent after our end changed')
        expect(self.sock.recv(10), b'', 'the end')
        self.sock.close()

    renew = setup


@case('TCP half-closed by the peer: we go on sending', alone=True)
class HalfClosedThere(Case):
    def setup(self):
        self.sock = tell('end-then-count')
        expect(exactly(self.sock, 3), b'bye', 'the last words')
        eventually(lambda: state_of(self.sock) == CLOSE_WAIT, 'half-closed')

    def facts(self):
        return {'state': state_of(self.sock), 'at end': select.select([self.sock], [], [], 0)[0] != []}

    def check(self):
        expect(self.sock.recv(10), b'', 'the end')
        self.sock.sendall(pattern(50000))
        name = name_of(self.sock)
        self.sock.close()
        with tell(f'report {name}') as control:
            expect(line_of(control), f'50000 {hashlib.sha256(pattern(50000)).hexdigest()}', 'what the peer got')

    renew = setup


@case('TCP with unsent data in the send queue: all of it arrives after the move', alone=True)
class Unsent(Case):
    """The peer does not read until it is told to. A thread keeps the queue full: a kernel takes more and more, even if nobody reads."""
    size = 24 << 20

    def setup(self):
        self.sock = tell('deaf')
        self.sock.settimeout(None)
        self.thread = threading.Thread(target=self.sock.sendall, args=(pattern(self.size),), daemon=True)
        self.thread.start()
        eventually(lambda: queued(self.sock, SIOCOUTQ) > 100000, 'a queue')

    def facts(self):
        return {'queued': queued(self.sock, SIOCOUTQ) > 10000, 'all sent': not self.thread.is_alive()}

    def check(self):
        tell(f'release {name_of(self.sock)}').close()
        self.thread.join(15)
        self.sock.shutdown(socket.SHUT_WR)
        expect(self.sock.recv(10), b'', 'the end')
        with tell(f'report {name_of(self.sock)}') as control:
            expect(line_of(control), f'{self.size} {hashlib.sha256(pattern(self.size)).hexdigest()}', 'what the peer got')
        self.sock.close()

    renew = setup


@case('TCP with unread data in the receive queue', alone=True)
class Unread(Case):
    size = 150000

    def setup(self):
        self.sock = tell(f'send {self.size}')
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 400000)
        eventually(lambda: queued(self.sock, SIOCINQ) > 20000, 'data is queued')

    def check(self):
        ensure(queued(self.sock, SIOCINQ) > 20000, 'nothing is queued')
        ensure(exactly(self.sock, self.size) == pattern(self.size), 'the data changed')
        self.sock.close()

    renew = setup


@case('TCP: a transfer that goes on during the move loses and repeats nothing', alone=True)
class Transfer(Case):
    def setup(self):
        self.sock = tell('stream')
        self.sock.settimeout(None)
        self.report, report = os.pipe()
        ask, self.ask = os.pipe()
        os.set_blocking(ask, False)

        def reader():
            count = 0
            try:
                while True:
                    expect(exactly(self.sock, 8), b'%07d\n' % (count % 10_000_000), f'line {count}')
                    count += 1
                    try:
                        if os.read(ask, 1):
                            os.write(report, str(count).encode())
                    except BlockingIOError:
                        pass
            except Exception as error:
                os.write(report, str(error).encode())
        child(reader)
        self.sock.close()

    def lines(self):
        os.write(self.ask, b'x')
        # After an outage of n seconds a sender of TCP may wait as long again before it tries the next time.
        ensure(select.select([self.report], [], [], 30)[0], 'the transfer stands still')
        answer = os.read(self.report, 1000).decode()
        ensure(answer.isdigit(), answer)
        return int(answer)

    def check(self):
        now = self.lines()
        eventually(lambda: self.lines() > now + 200, 'the transfer goes on')


@case('TCP within the POD: connected, with unread data, over IPv4 and IPv6', alone=True)
class Loopback(Case):
    def setup(self):
        self.pairs = []
        for family, address in ((socket.AF_INET, '127.0.0.1'), (socket.AF_INET6, '::1')):
            with socket.socket(family) as listener:
                listener.bind((address, 0))
                listener.listen()
                client = socket.create_connection(listener.getsockname()[:2])
                self.pairs.append((client, listener.accept()[0]))
        self.fill()

    def fill(self):
        for client, server in self.pairs:
            client.sendall(b'to the server')
            server.sendall(b'to the client')

    def facts(self):
        return {'names': [(end.getsockname(), end.getpeername()) for pair in self.pairs for end in pair], 'unread': [queued(end, SIOCINQ) for pair in self.pairs for end in pair]}

    def check(self):
        for client, server in self.pairs:
            expect((server.recv(100), client.recv(100)), (b'to the server', b'to the client'), 'unread data')
            client.sendall(b'new')
            expect(server.recv(100), b'new', 'new data')

    renew = fill


@case('UDP: bound and connected sockets go on, asked from inside and from outside', alone=True)
class Datagrams(Case):
    def setup(self):
        self.bound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.bound.bind(('', 7104))
        self.connected = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.connected.connect(PEER)
        for sock in (self.bound, self.connected):
            sock.settimeout(3)
        self.bound.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)

    def facts(self):
        return {'bound': self.bound.getsockname(), 'connected': (self.connected.getsockname(), self.connected.getpeername()),
                'broadcast': self.bound.getsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST)}

    def check(self):
        self.connected.send(b'question')
        expect(self.connected.recv(100), b'question', 'the answer')
        tell('datagram 7104').close()
        expect(self.bound.recv(100), b'from outside', 'from outside')


@case('UDP: datagrams that wait to be read are lost in a move, as datagrams may be', alone=True)
class QueuedDatagrams(Case):
    """CRIU does not read them. Said here so that it is noticed when that changes."""

    def setup(self):
        self.receiver, self.sender = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
        self.receiver.bind(('127.0.0.1', 7105))
        self.sender.connect(('127.0.0.1', 7105))
        self.receiver.settimeout(1)
        self.fill()

    def fill(self):
        self.sender.send(b'waiting')
        expect(queued(self.receiver, SIOCINQ), 7, 'bytes of the next datagram')

    def check(self):
        expect(queued(self.receiver, SIOCINQ), 0, 'bytes of the next datagram')
        self.sender.send(b'new')
        expect(self.receiver.recv(10), b'new', 'sent after the move')

    renew = fill


@case('netlink: a socket of the routing family answers', alone=True)
class Netlink(Case):
    def setup(self):
        self.sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
        self.sock.bind((0, 0))

    def facts(self):
        return {'name': self.sock.getsockname()}

    def check(self):
        self.sock.send(struct.pack('IHHIIB3x', 20, 18, 0x301, 1, 0, 0))  # RTM_GETLINK, all of them
        ensure(b'eth0' in self.sock.recv(65536), 'eth0 is not in the answer')
        while select.select([self.sock], [], [], 0.1)[0]:
            self.sock.recv(65536)


@case("the POD's own address, MAC, interface and host name", alone=True)
class Address(Case):
    def facts(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            ask = lambda request: fcntl.ioctl(sock, request, struct.pack('256s', b'eth0'))
            return {'address': socket.inet_ntoa(ask(SIOCGIFADDR)[20:24]), 'mask': socket.inet_ntoa(ask(SIOCGIFNETMASK)[20:24]), 'mac': ask(SIOCGIFHWADDR)[18:24].hex(':'),
                    'mtu': struct.unpack_from('i', ask(SIOCGIFMTU), 16)[0], 'interfaces': socket.if_nameindex(), 'routes': open('/proc/net/route').read().split(),
                    'host name': socket.gethostname()}
