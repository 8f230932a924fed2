"""A program whose life can be looked at from outside: it counts, remembers a token, and serves what connections ask for in their first line."""
import json
import os
import secrets
import socket
import threading
import time

token = secrets.token_hex(8)
ticks = 0
held = []


def count():
    global ticks
    while True:
        ticks += 1
        time.sleep(0.005)


def line(number):
    return b'%07d\n' % (number % 10_000_000)


def stream(connection, size, rate):
    """`size` bytes of numbered lines, no faster than `rate` bytes a second."""
    piece, number, started = 512, 0, time.monotonic()
    while number * 8 < size:
        connection.sendall(b''.join(line(at) for at in range(number, min(number + piece, size // 8))))
        number += piece
        early = number * 8 / rate - (time.monotonic() - started)
        if early > 0:
            time.sleep(early)


def state():
    def read(path):
        with open(path) as file:
            return file.read().strip()

    mac = read('/sys/class/net/eth0/address') if os.path.exists('/sys/class/net/eth0') else None
    return {'token': token, 'ticks': ticks, 'hostname': socket.gethostname(), 'machineId': read('/etc/machine-id'), 'hostnameFile': read('/etc/hostname'), 'mac': mac, 'uid': os.getuid()}


def serve(connection):
    with connection:
        lines = connection.makefile('rwb')
        words = lines.readline().decode().split()
        if words[0] == 'state':
            lines.write(json.dumps(state()).encode())
        elif words[0] == 'stream':
            return stream(connection, int(words[1]), int(words[2]))
        elif words[0] == 'echo':
            for said in lines:
                lines.write(said)
                lines.flush()
        elif words[0] == 'remember':  # that many bytes of memory
            held.append(os.urandom(int(words[1])))
            lines.write(b'ok')
        elif words[0] == 'write':  # a file of that many bytes
            with open(words[1], 'wb') as file:
                file.write(os.urandom(int(words[2])))
            lines.write(b'ok')
        lines.flush()


threading.Thread(target=count, daemon=True).start()
server = socket.create_server(('', 7000), backlog=64)
while True:
    threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()
