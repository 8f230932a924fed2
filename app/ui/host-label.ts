/** What a host is called where it stands by itself: its name, or "This computer". In sentences it is called by its name. */
import { useCallback } from 'react';
import { useText, type Text } from '../i18n/text';
import { world } from '../state/world';

export function hostLabel(name: string, t: Text): string {
  return world.getState().hosts[name]?.isLocal ? t('host.local') : name;
}

export function useHostLabel(): (name: string) => string {
  const t = useText();
  return useCallback((name: string) => hostLabel(name, t), [t]);
}
