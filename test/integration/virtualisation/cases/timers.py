"""Timers and clocks."""
import ctypes
import os
import select
import signal
import struct
import time

from native import Itimerspec, call, timespec
from probe import Case, case, child, ensure, expect

BOOTTIME = time.CLOCK_BOOTTIME
LONG = 3600.0


def between(value, low, high, what):
    ensure(low <= value <= high, f'{what} is {value}, not between {low} and {high}')


class TimerDescriptor(Case):
    """A timer over all the moves, looked at by what remains of it. After the check it is set to fire soon, and must."""
    clock = time.CLOCK_MONOTONIC
    early, late = 0.5, 30.0  # seconds; the time that dump and restore take comes on top of what remained

    def setup(self):
        self.file = os.timerfd_create(self.clock, flags=os.TFD_NONBLOCK)
        self.arm()

    def arm(self):
        self.set(LONG)
        self.ends = time.clock_gettime(self.clock) + LONG

    def set(self, seconds, interval=0.0):
        os.timerfd_settime(self.file, initial=seconds, interval=interval)

    def facts(self):
        lines = dict(line.split(':', 1) for line in open(f'/proc/self/fdinfo/{self.file}'))
        return {'clock': lines['clockid'].strip(), 'flags': lines['settime flags'].strip(), 'interval': os.timerfd_gettime(self.file)[1]}

    def check(self):
        between(os.timerfd_gettime(self.file)[0] - (self.ends - time.clock_gettime(self.clock)), -self.early, self.late, 'what remains, against the clock')
        self.set(0.02)
        ensure(select.select([self.file], [], [], 5)[0], 'it did not fire')
        expect(struct.unpack('Q', os.read(self.file, 8))[0], 1, 'times fired')

    def renew(self):
        self.arm()


@case('timerfd: one-shot')
class OneShot(TimerDescriptor):
    pass


@case('timerfd: absolute, on the monotonic clock')
class Absolute(TimerDescriptor):
    early = 1.05  # CRIU adds the time that remained to whole seconds of the clock

    def set(self, seconds, interval=0.0):
        os.timerfd_settime(self.file, flags=os.TFD_TIMER_ABSTIME, initial=time.clock_gettime(self.clock) + seconds)


@case('timerfd: absolute, on the real-time clock: fires later by the outage')
class AbsoluteRealTime(Absolute):
    """CRIU carries the time that remained, not the moment that was meant, and this clock goes on meanwhile."""
    clock = time.CLOCK_REALTIME
    late = 120.0


@case('timerfd: absolute, on the boot-time clock')
class AbsoluteBootTime(Absolute):
    clock = BOOTTIME


@case('timerfd: periodic')
class Periodic(TimerDescriptor):
    def arm(self):
        self.set(LONG, 7.0)
        self.ends = time.clock_gettime(self.clock) + LONG


@case('POSIX timers: id, interval, what remains; the signal comes with its value', alone=True)
class PosixTimer(Case):
    def setup(self):
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGRTMIN + 1])
        event = struct.pack('qii48x', 99, int(signal.SIGRTMIN) + 1, 0)  # value, signal, SIGEV_SIGNAL
        self.id = ctypes.c_void_p()
        call('timer_create', time.CLOCK_MONOTONIC, event, ctypes.byref(self.id))
        self.arm()

    def set(self, seconds, interval):
        call('timer_settime', self.id, 0, ctypes.byref(Itimerspec(timespec(interval), timespec(seconds))), None)

    def get(self):
        now = Itimerspec()
        call('timer_gettime', self.id, ctypes.byref(now))
        return now

    def arm(self):
        self.set(LONG, 11)
        self.ends = time.monotonic() + LONG

    def facts(self):
        return {'kernel id': open('/proc/self/timers').readline().split()[1], 'interval': self.get().interval[0]}

    def check(self):
        left = self.get().value
        between(left[0] + left[1] / 1e9 - (self.ends - time.monotonic()), -0.5, 30.0, 'what remains, against the clock')
        self.set(0.02, 0)
        info = signal.sigtimedwait([signal.SIGRTMIN + 1], 5)
        ensure(info, 'no signal')
        expect((info.si_signo, info.si_code), (signal.SIGRTMIN + 1, -2), 'SI_TIMER')

    renew = arm


@case('interval timers: real, virtual and profiling', alone=True)
class IntervalTimers(Case):
    kinds = {signal.ITIMER_REAL: signal.SIGALRM, signal.ITIMER_VIRTUAL: signal.SIGVTALRM, signal.ITIMER_PROF: signal.SIGPROF}

    def setup(self):
        self.caught = []
        for number in self.kinds.values():
            signal.signal(number, lambda number, _frame: self.caught.append(number))
        self.arm()

    def arm(self):
        for kind in self.kinds:
            signal.setitimer(kind, LONG, 13.0)
        self.ends = time.monotonic() + LONG

    def facts(self):
        return {'intervals': [signal.getitimer(kind)[1] for kind in self.kinds], 'caught': self.caught}

    def check(self):
        between(signal.getitimer(signal.ITIMER_REAL)[0] - (self.ends - time.monotonic()), -0.5, 30.0, 'what remains, against the clock')
        for kind, number in self.kinds.items():
            signal.setitimer(kind, 0.02)
            end = time.monotonic() + 5
            while number not in self.caught and time.monotonic() < end:
                pass  # the virtual timers run only while the process does
            expect(self.caught, [number], 'signals')
            self.caught.clear()

    renew = arm


@case('clocks: monotonic and boot time never run backwards nor jump by more than the outage; real time goes on', alone=True)
class Clocks(Case):
    """A process looks at the clocks every 2 ms, also just before and just after the outage."""

    def setup(self):
        ask, self.ask = os.pipe()
        self.report, report = os.pipe()
        os.set_blocking(ask, False)

        def ticker():
            clocks = (time.CLOCK_REALTIME, time.CLOCK_MONOTONIC, BOOTTIME)
            before, largest, backwards = [time.clock_gettime(clock) for clock in clocks], [0.0] * 3, 0
            while True:
                time.sleep(0.002)
                now = [time.clock_gettime(clock) for clock in clocks]
                steps = [b - a for a, b in zip(before, now)]
                backwards += sum(step < 0 for step in steps)
                if steps[0] > largest[0]:
                    largest = steps
                before = now
                try:
                    if os.read(ask, 1):
                        os.write(report, struct.pack('3dI', *largest, backwards))
                        largest, backwards = [0.0] * 3, 0
                except BlockingIOError:
                    pass
        child(ticker)

    def check(self):
        os.write(self.ask, b'x')
        real, monotonic, boot, backwards = struct.unpack('3dI', os.read(self.report, 64))
        expect(backwards, 0, 'steps backwards')
        for step, name in ((monotonic, 'monotonic'), (boot, 'boot time')):
            between(step, 0, real + 0.02, f'the longest pause ({real:.3f} s of real time) on the {name} clock')


@case('a sleep that was going on during the move ends when it should', alone=True)
class Sleep(Case):
    """Ends by the monotonic clock. Python repeats a sleep that ends early with EINTR, which restored ones do, as its manual page says programs should."""

    def setup(self):
        self.report, report = os.pipe()

        def sleeper():
            begin = time.monotonic()
            time.sleep(8)
            os.write(report, struct.pack('d', time.monotonic() - begin))
        self.sleeper = child(sleeper)

    def check(self):
        ensure(select.select([self.report], [], [], 30)[0], 'it did not end')
        between(struct.unpack('d', os.read(self.report, 8))[0], 8, 30, 'seconds slept')
        os.waitpid(self.sleeper, 0)

    renew = setup


@case('timerfd: a periodic timer that fires during the outage keeps its interval and its expirations, and goes on')
class FiredInOutage(Case):
    """The kernel shows no time left for a timer that expired and was not read, and CRIU takes that for a disarmed one; the helper arms it again."""

    def setup(self):
        self.file = os.timerfd_create(time.CLOCK_MONOTONIC, flags=os.TFD_NONBLOCK)
        self.arm()

    def arm(self):
        os.timerfd_settime(self.file, initial=0.01, interval=0.01)

    def check(self):
        ensure(struct.unpack('Q', os.read(self.file, 8))[0] > 0, 'no expiration')
        for _ in range(2):
            ensure(select.select([self.file], [], [], 30)[0], 'it does not fire any more')
            os.read(self.file, 8)
        expect(os.timerfd_gettime(self.file)[1], 0.01, 'the interval')

    renew = arm
