/**
 * Every command there is, as data: menu bar, context menus, palette, keys and the sheet of shortcuts are made from this.
 *
 * What a command does and whether it applies stands beside the user interface's state; here is only what all skins share. Labels are in `command-labels`.
 */
export type CommandTarget = 'app' | 'host' | 'pod' | 'task';
export type MenuName = 'file' | 'edit' | 'view' | 'pod' | 'host' | 'help';

export interface CommandDefinition {
  target: CommandTarget;
  /** As Electron writes accelerators, `CommandOrControl` being `Mod`. */
  keys?: string;
  /** Also answers to these. */
  otherKeys?: readonly string[];
  menu?: MenuName;
  /** Destructive commands stand last, apart, and are coloured as such. */
  isDangerous?: true;
  /** Leaves out what makes no sense by name alone. */
  isHiddenInPalette?: true;
}

function define<const T extends Record<string, CommandDefinition>>(table: T): { readonly [K in keyof T]: CommandDefinition } {
  return table;
}

/** In the order in which menus show them. */
export const commands = define({
  'app.palette': { target: 'app', keys: 'Mod+K', otherKeys: ['Mod+Shift+P'], menu: 'view', isHiddenInPalette: true },
  'app.shortcuts': { target: 'app', keys: '?', menu: 'help' },
  'app.search': { target: 'app', keys: 'Mod+F', menu: 'edit' },
  'app.overview': { target: 'app', keys: 'Mod+1', menu: 'view' },
  'app.columns': { target: 'app', menu: 'view' },
  'app.list': { target: 'app', menu: 'view' },
  'app.tasks': { target: 'app', keys: 'Mod+J', menu: 'view' },
  'app.settings': { target: 'app', keys: 'Mod+,', menu: 'file' },
  'app.back': { target: 'app', keys: 'Alt+Left', menu: 'view' },
  'app.theme': { target: 'app', keys: 'Mod+Shift+L', menu: 'view' },
  'app.diagnostics': { target: 'app', menu: 'help' },

  'host.add': { target: 'app', keys: 'Mod+Shift+N', menu: 'host' },
  'host.open': { target: 'host', menu: 'host' },
  'host.connect': { target: 'host', menu: 'host' },
  'host.disconnect': { target: 'host', menu: 'host' },
  'host.doctor': { target: 'host', menu: 'host' },
  'host.upgrade': { target: 'host', menu: 'host' },
  'host.evacuate': { target: 'host', menu: 'host' },
  'host.log': { target: 'host' },
  'host.uninstall': { target: 'host', isDangerous: true },
  'host.remove': { target: 'host', menu: 'host', isDangerous: true },

  'pod.create': { target: 'app', keys: 'Mod+N', menu: 'pod' },
  'pod.open': { target: 'pod', menu: 'pod' },
  'pod.desktop': { target: 'pod', keys: 'Mod+D', menu: 'pod' },
  'pod.terminal': { target: 'pod', keys: 'Mod+T', menu: 'pod' },
  'pod.move': { target: 'pod', keys: 'Mod+M', menu: 'pod' },
  'pod.move-back': { target: 'pod' },
  'pod.suspend': { target: 'pod', menu: 'pod' },
  'pod.resume': { target: 'pod', menu: 'pod' },
  'pod.clone': { target: 'pod', menu: 'pod' },
  'pod.rename': { target: 'pod', keys: 'F2', menu: 'pod' },
  'pod.log': { target: 'pod' },
  'pod.recover-here': { target: 'pod' },
  'pod.discard-here': { target: 'pod', isDangerous: true },
  'pod.delete': { target: 'pod', keys: 'Delete', menu: 'pod', isDangerous: true },

  'task.open': { target: 'task' },
  'task.cancel': { target: 'task' },
  'task.repeat': { target: 'task' },
  'task.copy-log': { target: 'task' },
  'task.diagnostics': { target: 'task' },
  'task.clear': { target: 'app' },
});

export type CommandId = keyof typeof commands;
export const commandIds = Object.keys(commands) as CommandId[];
