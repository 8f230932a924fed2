"""Terminals: names, jobs, window size, modes, half-typed lines, screen and tmux."""
import fcntl
import os
import re
import select
import signal
import struct
import subprocess
import termios
import time

from native import stat_of
from probe import Case, case, child, ensure, eventually, expect

TIOCGPTN, TIOCGSID = 0x80045430, 0x5429
ENVIRONMENT = {'PATH': '/usr/bin:/bin', 'TERM': 'xterm', 'PS1': '$ ', 'HOME': '/root', 'LC_ALL': 'C.UTF-8'}


class Terminal:
    """A pty with a program on it, as a terminal emulator has it."""

    def __init__(self, *argv, rows=33, columns=111, kind='xterm'):
        self.master, slave = os.openpty()
        self.name = os.ttyname(slave)
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack('4H', rows, columns, 0, 0))
        self.seen = ''

        def program():
            os.setsid()
            fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
            for number in range(3):
                os.dup2(slave, number)
            os.closerange(3, 256)
            os.execve(argv[0], argv, {**ENVIRONMENT, 'TERM': kind})
        self.pid = child(program)
        os.close(slave)

    def type(self, text):
        os.write(self.master, text.encode())

    def read(self, wanted, seconds=5.0):
        """Reads until the pattern is seen; returns what it matched and forgets everything up to its end."""
        end = time.monotonic() + seconds
        while not (found := re.search(wanted, self.seen)):
            if not select.select([self.master], [], [], max(0, end - time.monotonic()))[0]:
                ensure(False, f'{wanted!r} is not in {self.seen!r}')
            self.seen += os.read(self.master, 65536).decode(errors='replace')
        self.seen = self.seen[found.end():]
        return found

    def ask(self, command, answer):
        """Types a command into a shell. Its echo does not count as answer: patterns start after a line's end."""
        self.type(command + '\n')
        found = self.read(r'\n' + answer)
        self.read(r'\n\$ ')
        return found

    def foreground(self, name):
        """Waits until a program of that name has the terminal; its process group."""
        def has_it():
            group = os.tcgetpgrp(self.master)
            try:
                with open(f'/proc/{group}/comm') as file:
                    return file.read().strip() == name and group
            except (FileNotFoundError, ProcessLookupError):
                return False  # has ended, and the shell has not taken the terminal back yet
        return eventually(has_it, f'{name} is in the foreground')


def shell():
    terminal = Terminal('/bin/bash', '--norc', '--noprofile', kind='dumb')  # no escape sequences around what it prints
    terminal.read(r'\$ ')
    return terminal


@case('tty(1) says the same name; the shell keeps its variables and history', alone=True)
class Name(Case):
    def setup(self):
        self.terminal = shell()
        self.terminal.ask('variable=kept; echo set', 'set')

    def facts(self):
        return {'name': self.terminal.name, 'master': fcntl.ioctl(self.terminal.master, TIOCGPTN, bytes(4)).hex(),
                'exists': os.path.exists(self.terminal.name), 'owner': os.stat(self.terminal.name).st_uid, 'session': stat_of(self.terminal.pid)[3:6]}

    def check(self):
        expect(self.terminal.ask('tty', r'(/\S+)')[1], self.terminal.name, 'tty')
        expect(self.terminal.ask('echo "<$variable>"', '<(.*)>')[1], 'kept', 'the variable')


@case('job control: a job stopped with Ctrl-Z is listed and goes on with fg; Ctrl-C ends it', alone=True)
class Jobs(Case):
    def setup(self):
        self.terminal = shell()
        self.start()

    def start(self):
        self.terminal.type('cat\n')
        self.terminal.read('cat\r\n')
        self.job = self.terminal.foreground('cat')
        self.terminal.type('\x1a')
        self.terminal.read('Stopped')
        self.terminal.read(r'\$ ')

    def facts(self):
        return {'job': self.job, 'state': stat_of(self.job)[0], 'group': stat_of(self.job)[2:4], 'foreground': stat_of(self.terminal.pid)[5]}

    def check(self):
        self.terminal.ask('jobs', r'\[1\]\+ +Stopped +cat')
        self.terminal.type('fg\n')
        self.terminal.read('cat\r\n')
        expect(self.terminal.foreground('cat'), self.job, 'the job')
        self.terminal.type('a line for cat\n')
        self.terminal.read('a line for cat\r\na line for cat\r\n')
        self.terminal.type('\x03')
        self.terminal.read(r'\$ ')
        eventually(lambda: not os.path.exists(f'/proc/{self.job}'), 'Ctrl-C ended it')

    renew = start


@case('a job in the foreground gets Ctrl-C and Ctrl-Z after the move', alone=True)
class Foreground(Case):
    def setup(self):
        self.terminal = shell()
        self.start()

    def start(self):
        self.terminal.type('sleep 1000\n')
        self.terminal.foreground('sleep')

    def facts(self):
        return {'foreground': stat_of(self.terminal.pid)[5], 'by tcgetpgrp': os.tcgetpgrp(self.terminal.master), 'session': termios_session(self.terminal.master)}

    def check(self):
        self.terminal.type('\x1a')
        self.terminal.read('Stopped')
        self.terminal.type('fg\n')
        self.terminal.read('sleep 1000\r\n')
        self.terminal.foreground('sleep')
        self.terminal.type('\x03')
        self.terminal.read(r'\$ ')
        self.terminal.foreground('bash')

    renew = start


def termios_session(descriptor):
    return struct.unpack('i', fcntl.ioctl(descriptor, TIOCGSID, bytes(4)))[0]


@case('window size and modes are kept; a new size is told by SIGWINCH', alone=True)
class Size(Case):
    def setup(self):
        self.terminal = Terminal('/bin/bash', '--norc', '--noprofile', '-c', 'trap "stty size" WINCH; stty raw -echo -iexten; echo set; while :; do read -r -t 0.05; done')
        self.terminal.read('set')
        self.rows = 33

    def facts(self):
        mode = termios.tcgetattr(self.terminal.master)
        return {'modes': mode[:6], 'characters': [c.hex() if isinstance(c, bytes) else c for c in mode[6]],
                'size': struct.unpack('4H', fcntl.ioctl(self.terminal.master, termios.TIOCGWINSZ, bytes(8)))}

    def check(self):
        self.rows += 1
        fcntl.ioctl(self.terminal.master, termios.TIOCSWINSZ, struct.pack('4H', self.rows, 99, 0, 0))
        expect(self.terminal.read(r'(\d+) (\d+)').groups(), (str(self.rows), '99'), 'what the program was told')


@case('a half-typed line in a shell can be finished after the move', alone=True)
class HalfTyped(Case):
    def setup(self):
        self.terminal = shell()
        self.type_half()

    def type_half(self):
        self.terminal.type('echo half')
        self.terminal.read('echo half')

    def check(self):
        self.terminal.type('-typed-$((40+2))\n')
        self.terminal.read(r'\nhalf-typed-42')

    renew = type_half


@case('unread data of a terminal: what was typed ahead, what was printed and not yet read', alone=True)
class Unread(Case):
    def setup(self):
        self.master, self.slave = os.openpty()
        mode = termios.tcgetattr(self.slave)
        mode[3] &= ~(termios.ICANON | termios.ECHO)
        termios.tcsetattr(self.slave, termios.TCSANOW, mode)
        self.fill()

    def fill(self):
        os.write(self.master, b'typed ahead')
        os.write(self.slave, b'printed')

    def check(self):
        for descriptor, wanted in ((self.slave, b'typed ahead'), (self.master, b'printed')):
            ensure(select.select([descriptor], [], [], 0.2)[0], f'{wanted!r} is lost')
            expect(os.read(descriptor, 100), wanted, 'unread data')

    renew = fill


class Multiplexer(Case):
    """A shell in a window of a terminal multiplexer whose server runs on without a client."""

    def say(self, *arguments):
        return subprocess.run([*self.program, *arguments], env=ENVIRONMENT, capture_output=True, text=True, timeout=10)

    def shows(self, pattern):
        return eventually(lambda: re.search(pattern, self.content(), re.M), f'{pattern!r} in the window')

    def setup(self):
        self.begin()
        self.words = 0
        self.type('echo from the past; tty; inside=kept\n')
        self.shows('^from the past')
        self.window = self.shows(r'^/dev/pts/\d+')[0]

    def facts(self):
        return {'terminal': self.window, 'scrollback': 'from the past' in self.content()}

    def check(self):
        self.words += 1
        self.type(f'echo "word {self.words} $inside $(tty)"\n')
        self.shows(f'^word {self.words} kept {self.window}')


@case('tmux: the server, its window, scrollback and shell', alone=True)
class Tmux(Multiplexer):
    program = ['/usr/bin/tmux', '-f', '/dev/null', '-S', '/run/probe-tmux']

    def begin(self):
        expect(self.say('new-session', '-d', '-s', 'probe', '-x', '100', '-y', '30', '/bin/bash', '--norc', '--noprofile').returncode, 0, 'tmux')

    def type(self, text):
        self.say('send-keys', '-t', 'probe', '-l', text)

    def content(self):
        return self.say('capture-pane', '-p', '-S', '-', '-t', 'probe').stdout


@case('screen: the server, its window, scrollback and shell', alone=True)
class Screen(Multiplexer):
    program = ['/usr/bin/screen', '-S', 'probe']

    def begin(self):
        os.makedirs('/run/screen', mode=0o1777, exist_ok=True)
        os.chmod('/run/screen', 0o1777)
        subprocess.run(['/usr/bin/screen', '-dmS', 'probe', '/bin/bash', '--norc', '--noprofile'], env=ENVIRONMENT, check=True)
        eventually(lambda: self.say('-X', 'select', '0').returncode == 0, 'screen answers')

    def type(self, text):
        self.say('-p', '0', '-X', 'stuff', text.replace('$', '\\$'))

    def content(self):
        path = '/run/probe-screen.txt'
        if os.path.exists(path):
            os.unlink(path)
        self.say('-p', '0', '-X', 'hardcopy', '-h', path)
        eventually(lambda: os.path.exists(path) and os.path.getsize(path) > 0, 'a hard copy')  # made, then written
        with open(path) as file:
            return file.read()


@case('tmux: a client that stays attached on a terminal of the POD', alone=True)
class TmuxClient(Case):
    socket = '/run/probe-tmux-client'

    def setup(self):
        self.terminal = Terminal('/usr/bin/tmux', '-f', '/dev/null', '-S', self.socket, 'new-session', '/bin/bash', '--norc', '--noprofile', rows=24, columns=80)
        self.terminal.read(r'\$')
        self.words = 0

    def check(self):
        self.words += 1
        self.terminal.type(f'echo wo""rd-{self.words}\r')
        self.terminal.read(f'word-{self.words}')


@case('closing the master hangs up the session after the move', alone=True)
class HangUp(Case):
    def setup(self):
        self.terminal = Terminal('/bin/cat')

    def check(self):
        os.close(self.terminal.master)
        status = os.waitpid(self.terminal.pid, 0)[1]
        expect(os.WIFSIGNALED(status) and os.WTERMSIG(status), signal.SIGHUP, 'what ended the program')

    renew = setup
