"""The frame of the probes.

A family is one Python program full of cases. A case makes some state in a living process (`setup`), says what a program can read of it (`facts`, which
must be the same after a move) and, once moved, uses it (`check`). What a check consumes, `renew` makes again, so that the next move is probed too.

A case with `alone=True` has a process of its own: it changes something that belongs to a process (ids, signals, locks, limits) or forks.
"""
import json
import os
import signal
import socket
import sys
import time
import traceback

STATE = os.environ.get('PROBE_STATE', '/var/probe')
CHECK_SECONDS = 40
SETUP_SECONDS = 30
os.makedirs(STATE, exist_ok=True)


class Failure(Exception):
    """What a case found wrong, in words."""


def expect(actual, wanted, what):
    if actual != wanted:
        raise Failure(f'{what}: {actual!r}, expected {wanted!r}')


def ensure(condition, what):
    if not condition:
        raise Failure(what)


def eventually(question, what, seconds=5.0):
    """Asks until the answer is true; returns it."""
    end = time.monotonic() + seconds
    while True:
        answer = question()
        if answer:
            return answer
        if time.monotonic() > end:
            raise Failure(f'not within {seconds} s: {what}')
        time.sleep(0.01)


def child(work):
    """Forks; the child does `work` and ends with its result as status."""
    pid = os.fork()
    if pid == 0:
        status = 99
        try:
            status = work() or 0
        except BaseException:
            traceback.print_exc()  # into the log of the probes
        finally:
            os._exit(status)
    return pid


class Case:
    def setup(self):
        pass

    def facts(self):
        return {}

    def check(self):
        pass

    def renew(self):
        pass


CASES = []


def case(name, alone=False):
    def register(kind):
        kind.name, kind.alone = name, alone
        CASES.append(kind)
        return kind
    return register


def normal(value):
    """As it looks after a way through JSON: tuples are lists, keys are strings."""
    return json.loads(json.dumps(value))


def in_words(error):
    if isinstance(error, Failure):
        return str(error)
    return ''.join(traceback.format_exception(error))[-2000:]


class Local:
    """A case in the family's own process. Between the steps it leaves the process alone."""

    def __init__(self, kind):
        self.case = kind()
        self.before = {}
        self.trouble = ''

    def _step(self, action, seconds):
        def late(_number, _frame):
            raise Failure(f'nothing happened for {seconds} s')
        previous = None
        if not self.case.alone:  # a process of its own is watched from outside
            previous = signal.signal(signal.SIGALRM, late)
            signal.alarm(seconds)
        try:
            action()
        finally:
            if not self.case.alone:
                signal.alarm(0)
                signal.signal(signal.SIGALRM, previous)

    def start(self):
        def action():
            self.case.setup()
            self.before = normal(self.case.facts())
        try:
            self._step(action, SETUP_SECONDS)
        except Exception as error:
            self.trouble = 'setup: ' + in_words(error)
        return {'case': self.case.name, 'before': self.before, 'trouble': self.trouble}

    def verdict(self):
        before, after = self.before, {}

        def action():
            nonlocal after
            after = normal(self.case.facts())
            expect({key: after.get(key) for key in before}, before, 'facts')
            self.case.check()

        def again():
            self.case.renew()
            self.before = normal(self.case.facts())
        detail = self.trouble
        if not detail:
            try:
                self._step(action, CHECK_SECONDS)
            except Exception as error:
                detail = in_words(error)
            try:
                self._step(again, CHECK_SECONDS)
            except Exception as error:
                self.trouble = 'renew: ' + in_words(error)
                detail = detail or self.trouble
        return {'case': self.case.name, 'ok': not detail, 'detail': detail, 'before': before, 'after': after}


class Remote:
    """A case in a process of its own, asked over a socket pair."""

    ours = []

    def __init__(self, kind):
        self.kind = kind
        self.socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.settimeout(SETUP_SECONDS)
        self.pid = os.fork()
        if self.pid == 0:
            for other in Remote.ours + [self.socket]:
                other.close()
            serve(theirs, Local(kind))
            os._exit(0)
        theirs.close()
        Remote.ours.append(self.socket)

    def _answer(self):
        try:
            text = self.socket.recv(1 << 18)
        except TimeoutError:
            return None, f'no answer for {self.socket.gettimeout()} s'
        return (json.loads(text), '') if text else (None, 'the process of this case has ended')

    def start(self):
        answer, trouble = self._answer()
        self.socket.settimeout(CHECK_SECONDS + 5)
        return answer or {'case': self.kind.name, 'before': {}, 'trouble': trouble}

    def verdict(self):
        try:
            self.socket.send(b'check')
        except OSError as error:
            return {'case': self.kind.name, 'ok': False, 'detail': str(error), 'before': {}, 'after': {}}
        answer, trouble = self._answer()
        return answer or {'case': self.kind.name, 'ok': False, 'detail': trouble, 'before': {}, 'after': {}}


def serve(link, local):
    link.send(json.dumps(local.start()).encode())
    while link.recv(16):
        link.send(json.dumps(local.verdict()).encode())


def publish(path, value):
    """Whoever sees the file sees all of it."""
    with open(path + '.new', 'w') as file:
        json.dump(value, file)
    os.rename(path + '.new', path)


def main(family):
    """Runs a family for ever: `.ready` when its cases are set up, then for every `.go` a `.result`. Polls, so that nothing is watched or blocked."""
    base = f'{STATE}/{family}'
    # Cases with a process of their own come first: what the others open must not be inherited by them.
    runners = [Remote(kind) for kind in CASES if kind.alone] + [Local(kind) for kind in CASES if not kind.alone]
    publish(base + '.ready', [runner.start() for runner in runners])
    while True:
        if os.path.exists(base + '.go'):
            os.unlink(base + '.go')
            publish(base + '.result', [runner.verdict() for runner in runners])
        time.sleep(0.05)


def complain_to(path):
    """Standard error of the probes, inside the POD: a descriptor from outside would hinder a move."""
    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(log, sys.stderr.fileno())
    os.close(log)
