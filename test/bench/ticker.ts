/**
 * Programs that watch a move from within, in Perl with what every Debian system has: one wakes every millisecond and writes down when it could not, the other
 * answers each byte of a client outside.
 *
 * The first reads CLOCK_REALTIME (0) by its system call: the monotonic clock of a POD goes on over a move as if nothing had been.
 */
export const tickerFile = '/tmp/ticker';
export const echoPort = 7007;

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

export const echoProgram = String.raw`
use Socket;
socket my $server, PF_INET, SOCK_STREAM, 0 or die $!;
setsockopt $server, SOL_SOCKET, SO_REUSEADDR, 1;
bind $server, sockaddr_in(${echoPort}, INADDR_ANY) or die $!;
listen $server, 5;
while (accept my $client, $server) {
  setsockopt $client, 6, 1, 1;
  while (sysread $client, my $byte, 1) { syswrite $client, $byte }
}
`;

/** The longest gap that ended at or after `sinceMs` (milliseconds since 1970). */
export function longestGapMs(log: string, sinceMs: number): number {
  const gaps = log.split('\n').map((line) => line.split(' ').map(Number)).filter(([endedMs, gapMs]) => gapMs !== undefined && endedMs! >= sinceMs);
  if (gaps.length === 0) throw new Error('The ticker in the POD noticed no gap: it does not run, or nothing was moved.');
  return Math.max(...gaps.map(([, gapMs]) => gapMs!));
}
