"""Things that CRIU cannot carry, held one at a time by a process of the POD.

hold.py: runs for ever. hold.py THING: makes it hold that thing, and no other. hold.py nothing: makes it prove that the thing still works, and let go.
"""
import ctypes
import json
import os
import socket
import sys
import time

import probe
from native import call, libc

REQUEST, ANSWER = f'{probe.STATE}/hold', f'{probe.STATE}/held'
IN_DELETE_SELF, IN_ATTRIB = 0x400, 0x4


class MessageQueue:
    def __init__(self):
        self.queue = call('mq_open', b'/probe', os.O_RDWR | os.O_CREAT, 0o600, None)
        for priority, text in ((1, b'low'), (9, b'high')):
            call('mq_send', self.queue, text, ctypes.c_size_t(len(text)), priority)

    def use(self):
        texts = []
        for _ in range(2):
            buffer = ctypes.create_string_buffer(8192)
            size = call('mq_receive', self.queue, buffer, ctypes.c_size_t(8192), None)
            texts.append(buffer.raw[:size])
        probe.expect(texts, [b'high', b'low'], 'messages')

    def close(self):
        os.close(self.queue)
        libc.mq_unlink(b'/probe')


class PacketPipe:
    def __init__(self):
        self.ends = os.pipe2(os.O_DIRECT)
        os.write(self.ends[1], b'one')
        os.write(self.ends[1], b'two')

    def use(self):
        probe.expect([os.read(self.ends[0], 100) for _ in range(2)], [b'one', b'two'], 'packets')

    def close(self):
        for end in self.ends:
            os.close(end)


class WatchOnDeletedFile:
    path = '/var/tmp/probe-watched-deleted'

    def __init__(self):
        self.file = os.open(self.path, os.O_RDWR | os.O_CREAT)
        self.watch = call('inotify_init')
        call('inotify_add_watch', self.watch, self.path.encode(), IN_DELETE_SELF | IN_ATTRIB)
        os.unlink(self.path)
        os.read(self.watch, 4096)

    def use(self):
        os.fchmod(self.file, 0o640)
        probe.ensure(os.read(self.watch, 4096), 'no event')

    def close(self):
        os.close(self.watch)
        os.close(self.file)


class UnacceptedConnection:
    path = '/run/probe-unaccepted'

    def __init__(self):
        self.listener, self.client = (socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) for _ in range(2))
        self.listener.bind(self.path)
        self.listener.listen()
        self.client.connect(self.path)
        self.client.send(b'not yet accepted')

    def use(self):
        server, _ = self.listener.accept()
        probe.expect(server.recv(100), b'not yet accepted', 'the data')
        server.close()

    def close(self):
        self.client.close()
        self.listener.close()
        os.unlink(self.path)


THINGS = {'message-queue': MessageQueue, 'packet-pipe': PacketPipe, 'watch-on-deleted-file': WatchOnDeletedFile, 'unaccepted-connection': UnacceptedConnection}


def stay():
    probe.complain_to(f'{probe.STATE}/probe.log')
    thing = None
    while True:
        if os.path.exists(REQUEST):
            with open(REQUEST) as file:
                name = json.load(file)
            os.unlink(REQUEST)
            answer = 'ok'
            try:
                if thing:
                    thing.use()
                    thing.close()
                thing = THINGS[name]() if name in THINGS else None
            except Exception as error:
                answer = probe.in_words(error)
            probe.publish(ANSWER, answer)
        time.sleep(0.02)


if len(sys.argv) == 1:
    stay()
probe.publish(REQUEST, sys.argv[1])
probe.eventually(lambda: os.path.exists(ANSWER), 'an answer')
with open(ANSWER) as file:
    print(json.dumps({'answer': json.load(file)}))
os.unlink(ANSWER)
