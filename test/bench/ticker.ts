/**
 * A program that wakes every millisecond inside a POD and writes down when it could not: downtime as programs see it.
 *
 * In Perl without modules, which every Debian system has. It reads CLOCK_REALTIME (0) by its system call: the monotonic clock of a POD goes on over a
 * move as if nothing had been.
 */
export const tickerFile = '/tmp/ticker';

/** Shorter gaps are the scheduler's. */
const leastGapMs = 10;

export const tickerProgram = String.raw`
open my $log, '>', '${tickerFile}';
select((select($log), $| = 1)[0]);
sub now { my $t = pack 'x16'; syscall 228, 0, $t; my ($s, $ns) = unpack 'q2', $t; return $s * 1000 + $ns / 1e6 }
my $last = now();
while (1) {
  select undef, undef, undef, .001;
  my $now = now();
  printf $log "%.1f %.1f\n", $now, $now - $last if $now - $last >= ${leastGapMs};
  $last = $now;
}
`;

/** The longest gap that ended at or after `sinceMs` (milliseconds since 1970). */
export function longestGapMs(log: string, sinceMs: number): number {
  const gaps = log.split('\n').map((line) => line.split(' ').map(Number)).filter(([endedMs, gapMs]) => gapMs !== undefined && endedMs! >= sinceMs);
  if (gaps.length === 0) throw new Error('The ticker in the POD noticed no gap: it does not run, or nothing was moved.');
  return Math.max(...gaps.map(([, gapMs]) => gapMs!));
}
