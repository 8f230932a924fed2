/** Which PODs are meant by what was typed and chosen. */
import type { PodView } from '../../main/contract';
import type { Desk } from '../state/desk';

export function isShown(pod: PodView, { search, filter }: Pick<Desk, 'search' | 'filter'>): boolean {
  if (filter !== 'all' && pod.state.kind !== filter) return false;
  const words = search.toLowerCase().split(/\s+/).filter((word) => word !== '');
  if (words.length === 0) return true;
  const text = `${pod.name} ${pod.host} ${pod.environment.name} ${pod.address ?? ''} ${pod.owner} ${pod.id}`.toLowerCase();
  return words.every((word) => text.includes(word));
}
