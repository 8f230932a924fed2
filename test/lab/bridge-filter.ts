/**
 * Firewalls that stop the lab's own bridge.
 *
 * With br_netfilter loaded a bridge's frames pass the machine's forward rules, which container engines set to drop. The switch for it serves the whole
 * machine, so it is turned off only after frames were seen to be lost, and turned on again with the last lab.
 */
import { readdir, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { stateRoot } from './config';
import { readText, replaceFile } from './json-file';
import type { Lab } from './lab';
import { withLock } from './lock';

const networkSwitch = '/proc/sys/net/bridge/bridge-nf-call-iptables';
const formerValueFile = join(stateRoot, 'bridge-nf-call-iptables');
const lockFile = '/run/zap-lab/bridge-filter.lock';

export async function passBridgeFilter(lab: Lab, onLine: (line: string) => void): Promise<void> {
  const [one, other] = lab.hosts;
  if (!one || !other || (await readText(networkSwitch))?.trim() !== '1') return;
  const canTalk = () => lab.exec(one.name, ['ping', '-n', '-c1', '-W1', other.address]).then(() => true, () => false);
  if (await canTalk()) return;
  await withLock(lockFile, async () => {
    await writeFile(networkSwitch, '0');
    if (await canTalk()) {
      await replaceFile(formerValueFile, '1');
      onLine('This machine’s firewall blocks its bridges: net.bridge.bridge-nf-call-iptables is 0 until the last lab is down');
    } else await writeFile(networkSwitch, '1'); // something else is wrong
  });
}

/** To be called when a lab is gone. */
export async function restoreBridgeFilter(): Promise<void> {
  if ((await readText(formerValueFile)) === undefined) return;
  await withLock(lockFile, async () => {
    const others = (await readdir(stateRoot)).filter((name) => name !== basename(formerValueFile));
    if (others.length > 0) return;
    await writeFile(networkSwitch, '1');
    await rm(formerValueFile, { force: true });
  });
}
