"""Writes its memory at random, in every way that there is, and knows what must be in it: what differs after a move was lost on the way."""
import mmap
import os
import random
import socket
import struct
import sys
import threading
import time

PAGE = 4096
PAGES = int(sys.argv[1])
control = sys.argv[2]  # a directory: it says there what it has done and found, and is asked there
PRIVATE = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
MADV_PAGEOUT = 21


class Region:
    """Pages and, of each, how often it was written; 0 is a page of zeros."""

    def __init__(self, pages):
        self.memory = mmap.mmap(-1, pages * PAGE, flags=PRIVATE)
        self.written = [0] * pages
        self.lock = threading.Lock()
        self.pipe = os.pipe()
        self.pair = socket.socketpair()
        for at in range(pages):
            self.put(at, 1, self.store)

    @staticmethod
    def content(at, count):
        return struct.pack('QQ', at, count) * (PAGE // 16) if count else bytes(PAGE)

    def store(self, at, data):
        self.memory[at * PAGE:(at + 1) * PAGE] = data

    def by_read(self, at, data):
        os.write(self.pipe[1], data)
        with memoryview(self.memory) as view:
            assert os.readv(self.pipe[0], [view[at * PAGE:at * PAGE + 100], view[at * PAGE + 100:(at + 1) * PAGE]]) == PAGE

    def by_receive(self, at, data):
        self.pair[0].sendall(data)
        with memoryview(self.memory) as view:
            assert self.pair[1].recv_into(view[at * PAGE:(at + 1) * PAGE], PAGE, socket.MSG_WAITALL) == PAGE

    def by_file(self, at, data):
        with open(f'/tmp/scribble.{os.getpid()}.{id(self)}', 'w+b', buffering=0) as file:
            file.write(data)
            file.seek(0)
            with memoryview(self.memory) as view:
                assert file.readinto(view[at * PAGE:(at + 1) * PAGE]) == PAGE

    def one_byte(self, at, data):
        """Of content that differs in one byte alone."""
        self.memory[at * PAGE + 8] = data[8]
        for offset in range(0, PAGE, 16):
            self.memory[at * PAGE + offset + 8:at * PAGE + offset + 16] = data[8:16]

    def put(self, at, count, how):
        how(at, self.content(at, count))
        self.written[at] = count

    def scribble(self):
        with self.lock:
            at = random.randrange(len(self.written))
            what = random.random()
            if what < 0.05:
                self.memory.madvise(mmap.MADV_DONTNEED, at * PAGE, PAGE)
                self.written[at] = 0
            elif what < 0.07:
                self.memory.madvise(MADV_PAGEOUT, at * PAGE, PAGE)
            elif self.written[at] == 0 and what < 0.2:
                assert self.memory[at * PAGE] == 0
            elif self.written[at] and what < 0.4:
                self.put(at, self.written[at] + 1, self.one_byte)
            else:
                self.put(at, self.written[at] + 1, random.choice([self.store, self.by_read, self.by_receive, self.by_file]))

    def remap(self):
        """Moves it, or makes it smaller and larger."""
        with self.lock:
            pages = len(self.written) + random.choice([-40, 40])
            pages = max(100, min(PAGES // 4, pages))
            self.memory.resize(pages * PAGE)
            del self.written[pages:]
            self.written += [0] * (pages - len(self.written))

    def wrong(self):
        with self.lock:
            return [at for at, count in enumerate(self.written) if self.memory[at * PAGE:(at + 1) * PAGE] != self.content(at, count)]


def say(name, text):
    with open(f'{control}/{name}.new', 'w') as file:
        file.write(str(text))
    os.rename(f'{control}/{name}.new', f'{control}/{name}')


def work(name, regions):
    try:
        scribble(name, regions)
    except BaseException as problem:
        say(f'{name}.failed', repr(problem))


def scribble(name, regions):
    done = 0
    while not os.path.exists(f'{control}/stop'):
        for region in regions:
            for _ in range(20):
                region.scribble()
        regions[-1].remap()
        done += 1
        if done % 20 == 0:
            say(f'{name}.done', done)
        time.sleep(0.005)


def verdict(name, regions):
    say(f'{name}.verdict', ' '.join(str(region.wrong()[:10]) for region in regions))


os.makedirs(control, exist_ok=True)
regions = [Region(PAGES), Region(PAGES // 8)]
child = os.fork()
name = 'parent' if child else 'child'
if not child:
    for region in regions:  # what its parent reads from is not for it
        region.pipe, region.pair = os.pipe(), socket.socketpair()
    random.seed(os.getpid())
threads = [threading.Thread(target=work, args=(f'{name}{number}', regions)) for number in range(2)]
for thread in threads:
    thread.start()
while not os.path.exists(f'{control}/stop'):
    # children that live shortly write what they share with their parent
    if name == 'parent' and (passing := os.fork()) == 0:
        for at in range(0, PAGES, 50):
            regions[0].memory[at * PAGE] = 0
        os._exit(0)
    elif name == 'parent':
        os.waitpid(passing, 0)
    time.sleep(0.1)
for thread in threads:
    thread.join()
verdict(name, regions)
if child:
    os.waitpid(child, 0)
    say('over', 'over')
    time.sleep(100000)
