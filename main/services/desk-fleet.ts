/** The fleet of the app: what concerns "all hosts" asks those that answer now. One that is away must not keep the others waiting. */
import { Fleet, type FleetOptions } from '../helper-client/fleet';
import type { Inventory } from '../hosts/inventory';

export class DeskFleet extends Fleet {
  constructor(
    inventory: Inventory,
    options: FleetOptions,
    private readonly readyHosts: () => string[],
  ) {
    super(inventory, options);
  }

  override get hosts(): string[] {
    return this.readyHosts();
  }
}
