/**
 * A cable that takes time.
 *
 * Two tap devices joined by a program that holds each frame back: one sits in the lab's bridge, the other in a small bridge with the host's cable. The
 * program is Perl because it must outlive this process, needs one ioctl, and Debian has Perl anyway. About 50 000 frames a second; the taps go when it ends.
 */
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ZapError } from '../../helper/protocol/errors';
import { childEnvironment, start } from '../../helper/system/spawn';
import { joinThenExec } from './boot-script';
import { makeHostGroups } from './cgroups';
import type { LabHost, LabPlace } from './config';
import { readText } from './json-file';
import { deleteLinks, ipBatch, labLinks } from './network';

const wireProgram = String.raw`
use strict; use warnings; use Time::HiRes 'time'; use Fcntl;
my ($delay, @names) = @ARGV;
my @ends = map {
  my $name = $_;
  sysopen(my $tap, '/dev/net/tun', O_RDWR | O_NONBLOCK) or die "tun: $!";
  ioctl($tap, 0x400454ca, pack('Z16 s x22', $name, 0x1002)) or die "$name: $!";   # TUNSETIFF, a tap without packet information
  { tap => $tap, waiting => [] };
} @names;
while (1) {
  my ($readable, $now, $next) = ('', time, undef);
  for my $end (@ends) {
    my $waiting = $end->{waiting};
    while (@$waiting && $waiting->[0][0] <= $now) { syswrite($end->{tap}, (shift @$waiting)->[1]); }
    $next = $waiting->[0][0] if @$waiting && (!defined $next || $waiting->[0][0] < $next);
    vec($readable, fileno($end->{tap}), 1) = 1;
  }
  select($readable, undef, undef, defined $next ? ($next > $now ? $next - $now : 0) : undef);
  $now = time;
  for my $index (0, 1) {
    for (1 .. 64) {
      my $got = sysread($ends[$index]{tap}, my $frame, 65536);
      if (!defined $got) { last if $!{EAGAIN}; exit 0 }   # the tap was deleted
      push @{$ends[1 - $index]{waiting}}, [$now + $delay, $frame];
    }
  }
}
`;

/** Names of the extra devices of a host's cable; they begin as the cable's does, so that a clean-up finds them. */
function devices(host: LabHost): { bridge: string; near: string; far: string } {
  return { bridge: `${host.link}b`, near: `${host.link}n`, far: `${host.link}f` };
}

/** Puts a delay into the cable, each way. */
export async function insertWire(place: LabPlace, host: LabHost, delayMs: number): Promise<void> {
  const { bridge, near, far } = devices(host);
  const { leaf } = await makeHostGroups(place.labId, host.name); // so that it ends with the host
  const logFile = join(host.directory, 'wire.log');
  const log = await open(logFile, 'w', 0o600);
  const child = start('sh', ['-c', joinThenExec, 'lab-wire', ...leaf, '--', 'perl', '-e', wireProgram, String(delayMs / 1000), near, far], {
    detached: true,
    stdio: ['ignore', 'ignore', log.fd],
    cwd: '/',
    env: childEnvironment,
  });
  child.unref();
  await log.close();
  while (!(await labLinks(place)).includes(far)) {
    if (child.exitCode !== null || child.signalCode !== null) {
      const evidence = ((await readText(logFile)) ?? '').trim().split('\n');
      throw new ZapError('lab/no-delay', `A delay could not be put into the cable of "${host.name}": ${evidence.at(-1)}`, {
        hint: 'It takes /dev/net/tun and the Debian package perl.',
        evidence,
      });
    }
    await delay(3);
  }
  await ipBatch([
    `link add ${bridge} type bridge`,
    `link set ${bridge} up`,
    `link set ${far} master ${bridge} up`,
    `link set ${near} master ${place.bridge} up`,
    `link set ${host.link} master ${bridge}`,
  ]);
}

export async function removeWire(place: LabPlace, host: LabHost): Promise<void> {
  const links = await labLinks(place);
  const present = Object.values(devices(host)).filter((device) => links.includes(device));
  if (present.length === 0) return;
  await ipBatch([`link set ${host.link} master ${place.bridge}`]);
  await deleteLinks(present); // the program ends when its taps are gone
}
