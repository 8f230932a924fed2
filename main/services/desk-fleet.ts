/** The fleet of the app: what concerns "all hosts" asks those that answer now. One that is away must not keep the others waiting. */
import { Fleet, type FleetOptions } from '../helper-client/fleet';
import type { Inventory } from '../hosts/inventory';
import type { Prompter } from '../prompts/prompter';
import { CheckpointKeys } from '../secrets/checkpoint-keys';

export class DeskFleet extends Fleet {
  constructor(
    inventory: Inventory,
    options: FleetOptions,
    private readonly readyHosts: () => string[],
    private readonly prompterFor: (host: string) => Prompter,
  ) {
    super(inventory, options);
  }

  override get hosts(): string[] {
    return this.readyHosts();
  }

  /** Nothing suspended is opened but by a task that a person began: somebody is there to be asked, also when the connection came back by itself. */
  override checkpointKeys(host: string): CheckpointKeys {
    return new CheckpointKeys(this.inventory.zapHome, this.prompterFor(host));
  }
}
