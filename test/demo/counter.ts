/**
 * A program that counts, for the demo's terminal: it also notices when it was stopped, and for how long.
 *
 * In Perl, which every Debian system has; without modules, because the smallest Perl has none for fine time. CLOCK_REALTIME (0) is asked for by its
 * system call: the monotonic clock of a POD goes on as if nothing had been.
 */
export const stateFile = '/tmp/counter';

/** Pauses shorter than this are a busy machine's. */
const noticeableMs = 100;

export const counterProgram = String.raw`
$| = 1;
sub now { my $t = pack 'x16'; syscall 228, 0, $t; my ($s, $ns) = unpack 'q2', $t; return $s * 1000 + $ns / 1e6 }
sub host { open my $f, '<', '/proc/sys/kernel/hostname'; chomp(my $name = <$f>); return $name }
my ($count, $last, $next, @pauses) = (0, now(), now());
while (1) {
  select undef, undef, undef, .005;
  my $now = now();
  my $pause = $now - $last;
  $last = $now;
  if ($pause >= ${noticeableMs}) {
    push @pauses, sprintf '%.0f %.1f', $now, $pause;
    printf "\e[1;33m      -- stood still for %s --\e[0m\n", $pause < 10000 ? sprintf '%.0f ms', $pause : sprintf '%.1f s', $pause / 1000;
  }
  next if $now < $next;
  $next = $now + 500;
  $count++;
  my ($sec, $min, $hour) = gmtime;
  printf "%02d:%02d:%02d  \e[36mhost\e[0m %-10s \e[36mpid\e[0m %-4d \e[36mcount\e[0m \e[1m%d\e[0m\n", $hour, $min, $sec, host(), $$, $count;
  open my $state, '>', '${stateFile}.new';
  print $state join("\n", host() . " $$ $count", @pauses), "\n";
  close $state;
  rename '${stateFile}.new', '${stateFile}';
}
`;

export interface CounterState {
  hostName: string;
  pid: number;
  count: number;
  /** When it went on again (milliseconds since 1970), and for how long it had stood still. */
  pauses: { endedMs: number; ms: number }[];
}

export function parseCounter(text: string): CounterState {
  const [first = '', ...rest] = text.trim().split('\n');
  const [hostName = '', pid = '', count = ''] = first.split(' ');
  const pauses = rest.map((line) => {
    const [endedMs, ms] = line.split(' ').map(Number);
    return { endedMs: endedMs!, ms: ms! };
  });
  return { hostName, pid: Number(pid), count: Number(count), pauses };
}

/** The longest that it stood still since then; nothing when it noticed nothing. */
export function longestPauseMs({ pauses }: CounterState, sinceMs: number): number | undefined {
  const since = pauses.filter(({ endedMs }) => endedMs >= sinceMs).map(({ ms }) => ms);
  return since.length > 0 ? Math.max(...since) : undefined;
}
