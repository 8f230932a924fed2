/** A POD in words. */
import type { Pod } from '../pods/locate';
import { formatAge, formatBytes, printable } from './format';

export function stateWord({ state }: Pod): string {
  return state.kind === 'moving' ? `moving (${state.role}, ${printable(state.phase)})` : state.kind;
}

export function stateAge({ state }: Pod): string {
  if (state.kind === 'running') return formatAge(state.since);
  return state.kind === 'exited' || state.kind === 'suspended' ? formatAge(state.at) : '';
}

export function describeNetwork({ network: of, address, mac }: Pod): string {
  if (of.profile === 'none') return 'none';
  if (of.profile === 'nat') return `nat${address ? `, ${address}` : ''}`;
  return `lan ${of.address}/${of.prefixLength}${of.gateway ? ` via ${of.gateway}` : ''}, ${mac}`;
}

export function describeLimits({ limits: of }: Pod): string {
  const parts = [of.memoryBytes === undefined ? '' : `memory ${formatBytes(of.memoryBytes)}`, of.cpus === undefined ? '' : `cpus ${of.cpus}`, of.pids === undefined ? '' : `pids ${of.pids}`];
  return parts.filter((part) => part !== '').join(', ') || 'none';
}
