/** What faults strike: a POD in a lab, and the desktop that operates on it. */
import type { Fleet } from '../../main/helper-client/fleet';
import { until } from '../integration/support/until';
import type { FaultLab, Host } from './fault-lab';
import { startsSuspended, type Operation } from './moments';
import { newName, suspend } from './operate';
import { lifeOf, type Pod } from './witness';

export class Stage {
  pod: Pod | undefined;
  host: Host = 'alpha';
  /** Another POD of the same name, which two inventories that do not know each other can bring about. */
  twin: { id: string; host: Host } | undefined;
  private fleet: Fleet | undefined;

  constructor(readonly lab: FaultLab) {}

  /** A POD in the state that the operation starts from. */
  async ready(operation: Operation): Promise<Pod> {
    const { lab } = this;
    if (this.pod && !startsSuspended(operation)) return this.pod;
    const fleet = await this.openFleet();
    if (!this.pod) {
      this.host = 'alpha';
      const name = newName('pod');
      const id = await lab.create(fleet, name, this.host);
      const record = lab.views[this.host].record(name)!;
      const life = await until('its first sign of life', () => lifeOf(lab.views[this.host], id));
      this.pod = { ...record, token: life.token };
    }
    if (startsSuspended(operation)) await suspend(fleet, this.host, this.pod);
    return this.pod;
  }

  /** One desktop for several faults: what a fault cuts off is connected again. */
  async openFleet(): Promise<Fleet> {
    return (this.fleet ??= await this.lab.openFleet());
  }

  /** Closes the desktop; without it helpers come to their end. */
  async rest(): Promise<void> {
    await this.fleet?.close();
    this.fleet = undefined;
    await this.lab.idle();
  }

  /** The next fault starts from nothing. */
  async clear(): Promise<void> {
    this.pod = undefined;
    this.twin = undefined;
    await this.fleet?.close();
    this.fleet = undefined;
    await this.lab.wipe();
  }
}
