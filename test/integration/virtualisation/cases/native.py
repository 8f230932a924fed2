"""Calls that Python's own library lacks, through libc. Layouts and numbers are those of Linux on x86-64 and arm64 alike unless they say otherwise."""
import ctypes
import os

libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.shmat.restype = ctypes.c_void_p
libc.shmat.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_int]
libc.shmdt.argtypes = [ctypes.c_void_p]
for name in ('mmap', 'mprotect', 'madvise', 'munmap'):
    getattr(libc, name).argtypes = {
        'mmap': [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long],
        'mprotect': [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int],
        'madvise': [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int],
        'munmap': [ctypes.c_void_p, ctypes.c_size_t],
    }[name]

PR_SET_PDEATHSIG, PR_GET_PDEATHSIG = 1, 2
PR_SET_NAME, PR_GET_NAME = 15, 16
PR_SET_SECCOMP = 22
PR_SET_SECUREBITS, PR_GET_SECUREBITS = 28, 27
PR_SET_TIMERSLACK, PR_GET_TIMERSLACK = 29, 30
PR_SET_NO_NEW_PRIVS, PR_GET_NO_NEW_PRIVS = 38, 39

Timespec = ctypes.c_long * 2


class Itimerspec(ctypes.Structure):
    _fields_ = [('interval', Timespec), ('value', Timespec)]


def timespec(seconds):
    return Timespec(int(seconds), int(seconds % 1 * 1e9))


def call(name, *args):
    """A libc call; −1 (also as a pointer) becomes an OSError."""
    result = getattr(libc, name)(*args)
    if result in (-1, ctypes.c_void_p(-1).value):
        number = ctypes.get_errno()
        raise OSError(number, f'{name}: {os.strerror(number)}')
    return result


def prctl(option, *args):
    return call('prctl', option, *(ctypes.c_ulong(arg) if isinstance(arg, int) else arg for arg in args))


def status_of(pid, *fields):
    """Fields of /proc/PID/status, as text."""
    with open(f'/proc/{pid}/status') as file:
        lines = dict(line.rstrip('\n').split(':', 1) for line in file)
    return {field: lines[field].strip() for field in fields}


def stat_of(pid):
    """Fields of /proc/PID/stat after the name: [0] state, [1] ppid, [2] pgrp, [3] session, [4] tty, [5] tpgid."""
    with open(f'/proc/{pid}/stat') as file:
        return file.read().rsplit(')', 1)[1].split()
