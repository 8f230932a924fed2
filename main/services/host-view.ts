/** What is known of a host, and how the user interface is shown it. */
import type { Connection, Diagnosis, EnvironmentInfo, Host, HostFacts, HostSample } from '../contract';
import { LOCAL, type Inventory } from '../hosts/inventory';

/** What is known of a host beside its connection. */
export interface HostKnowledge {
  facts: HostFacts | null;
  diagnosis: Diagnosis | null;
  environments: EnvironmentInfo[];
  samples: HostSample[];
}

export function describeHost(inventory: Inventory, name: string, connection: Connection, { facts, diagnosis, environments }: HostKnowledge): Host {
  const rest = { name, connection, facts, diagnosis, environments };
  if (name === LOCAL) return { ...rest, isLocal: true, isLab: false, jumps: [], isFromSshConfig: false };
  const record = inventory.get(name);
  const isFromSshConfig = 'alias' in record;
  const address = isFromSshConfig ? record.alias : `${record.user}@${record.address}:${record.port}`;
  const jumps = isFromSshConfig ? [] : (record.jump?.split(',').map((hop) => hop.trim()) ?? []);
  return { ...rest, isLocal: false, isLab: record.lab === true, address, jumps, isFromSshConfig };
}
