/** Files from one host to another as a person would bring them: tar through a TCP connection, which on a network of one's own is the quickest there is. */
import { once } from 'node:events';
import { pipeline } from 'node:stream/promises';
import { start } from '../../../helper/system/spawn';
import type { Lab } from '../../lab';
import type { Host } from '../bench-lab';

/** Bytes that went over. The two programs are joined by a pipe of this machine: nothing is encrypted and no login is counted, which flatters the peer. */
export async function copyBetween(lab: Lab, from: Host, to: Host, paths: readonly string[]): Promise<number> {
  const flags = ['--xattrs', '--xattrs-include=*', '--numeric-owner', '--sparse'];
  const [packer, ...packArgs] = await lab.commandOn(from, ['tar', '-C', '/', ...flags, '-cf', '-', ...paths.map((path) => path.slice(1))]);
  const [unpacker, ...unpackArgs] = await lab.commandOn(to, ['tar', '-C', '/', ...flags, '-xpf', '-']);
  const packing = start(packer, packArgs, { stdio: ['ignore', 'pipe', 'ignore'] });
  const unpacking = start(unpacker, unpackArgs, { stdio: ['pipe', 'ignore', 'pipe'] });
  let bytes = 0;
  packing.stdout!.on('data', (chunk: Buffer) => (bytes += chunk.length));
  const complaints: Buffer[] = [];
  unpacking.stderr!.on('data', (chunk: Buffer) => complaints.push(chunk));
  const [packed, unpacked] = [once(packing, 'close'), once(unpacking, 'close')];
  await pipeline(packing.stdout!, unpacking.stdin!).catch(() => {}); // tar closes its input at the archive's end mark, before the padding; its exit status tells
  await packed;
  const [status] = (await unpacked) as [number];
  if (status !== 0) throw new Error(`tar on ${to} failed: ${Buffer.concat(complaints).toString().trim()}`);
  return bytes;
}
