/**
 * The menu bar, made from the registry of commands.
 *
 * Keys are shown here and answered by the page: it alone knows whether a desktop or a terminal has them now.
 */
import type { MenuItemConstructorOptions } from 'electron';
import { commandIds, commandLabels, commands, menuLabels, type CommandId, type Locale, type MenuName } from '../contract';
import { wordsIn } from './words';

export interface MenuActions {
  run(command: CommandId): void;
  quit(): void;
}

const menus: readonly MenuName[] = ['file', 'edit', 'view', 'pod', 'host', 'help'];

export function menuTemplate(locale: Locale, actions: MenuActions): MenuItemConstructorOptions[] {
  const words = wordsIn(locale);
  const separator: MenuItemConstructorOptions = { type: 'separator' };
  const role = (label: string, name: NonNullable<MenuItemConstructorOptions['role']>): MenuItemConstructorOptions => ({ role: name, label, registerAccelerator: false });
  const own: Partial<Record<MenuName, MenuItemConstructorOptions[]>> = {
    file: [separator, { label: words.quit, click: () => actions.quit() }],
    edit: [separator, role(words.undo, 'undo'), role(words.redo, 'redo'), separator, role(words.cut, 'cut'), role(words.copy, 'copy'), role(words.paste, 'paste'), role(words.selectAll, 'selectAll')],
    view: [separator, role(words.zoomIn, 'zoomIn'), role(words.zoomOut, 'zoomOut'), role(words.zoomReset, 'resetZoom'), separator, role(words.fullScreen, 'togglefullscreen')],
  };
  return menus.map((menu) => ({ label: menuLabels[locale][menu], submenu: [...commandItems(menu, locale, actions), ...(own[menu] ?? [])] }));
}

function commandItems(menu: MenuName, locale: Locale, actions: MenuActions): MenuItemConstructorOptions[] {
  const ids = commandIds.filter((id) => commands[id].menu === menu);
  const items = (those: CommandId[]): MenuItemConstructorOptions[] => those.map((id) => ({ id, label: commandLabels[locale][id], ...keysOf(id), registerAccelerator: false, click: () => actions.run(id) }));
  const dangerous = ids.filter((id) => commands[id].isDangerous);
  const harmless = ids.filter((id) => !commands[id].isDangerous);
  return [...items(harmless), ...(dangerous.length > 0 ? [{ type: 'separator' as const }, ...items(dangerous)] : [])];
}

/** A single character is no accelerator, and is left to the sheet of shortcuts. */
function keysOf(id: CommandId): { accelerator?: string } {
  const { keys } = commands[id];
  return keys === undefined || keys.length === 1 ? {} : { accelerator: keys.replace('Mod', 'CommandOrControl') };
}
