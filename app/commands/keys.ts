/** Keys of the registry: how they are matched, and how they are shown. */
import { commandIds, commands, type CommandId } from '../../main/contract/commands';

const isMac = (): boolean => navigator.platform.startsWith('Mac');

export interface KeyPress {
  key: string;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
  shiftKey: boolean;
}

const names: Record<string, string> = { Left: 'ArrowLeft', Right: 'ArrowRight' };

export function matches(keys: string, press: KeyPress): boolean {
  const parts = keys.split('+');
  const key = parts.pop()!;
  const mod = isMac() ? press.metaKey : press.ctrlKey;
  if (parts.includes('Mod') !== mod || parts.includes('Alt') !== press.altKey) return false;
  // A sign that needs Shift on some keyboards is itself enough.
  if (/^[a-z0-9]$/i.test(key) || key.length > 1) {
    if (parts.includes('Shift') !== press.shiftKey) return false;
  }
  return press.key.toLowerCase() === (names[key] ?? key).toLowerCase();
}

export function commandFor(press: KeyPress): CommandId | undefined {
  return commandIds.find((id) => [commands[id].keys, ...(commands[id].otherKeys ?? [])].some((keys) => keys !== undefined && matches(keys, press)));
}

const shown: Record<string, string> = { Mod: 'Ctrl', Left: '←', Right: '→', Delete: 'Del' };

export function formatKeys(keys: string | undefined): string | undefined {
  return keys
    ?.split('+')
    .map((part) => (part === 'Mod' && isMac() ? '⌘' : (shown[part] ?? part)))
    .join(isMac() ? '' : '+');
}

/** In text fields, desktops and terminals, keys without a modifier belong to what is typed into; desktops and terminals take all but the palette's. */
export function mayAct(press: KeyPress, target: Element | null): boolean {
  if (target?.closest('[data-takes-keys]')) return matches('Mod+Shift+P', press);
  if (press.key === 'Delete' && target?.closest('[role="tablist"]')) return false; // there it closes a tab
  const isTyping = target?.closest('input, textarea, [contenteditable]') !== null && target !== null;
  return !isTyping || ((press.ctrlKey || press.metaKey) && !/^[acvxz]$/i.test(press.key)) || press.altKey;
}
