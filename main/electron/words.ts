/** What the main process itself says; everything else is said by the user interface. */
import type { Locale, Settings } from '../contract';

const en = {
  quit: 'Quit Zap',
  show: 'Show Zap',
  idle: 'Nothing is being done',
  undo: 'Undo', redo: 'Redo', cut: 'Cut', copy: 'Copy', paste: 'Paste', selectAll: 'Select all',
  zoomIn: 'Larger', zoomOut: 'Smaller', zoomReset: 'Usual size', fullScreen: 'Full screen',
  movesRunTitle: 'A move is running',
  movesRun: (names: string) => `Still moving: ${names}.`,
  movesRunDetail: 'The hosts bring it to its end without this app; what came of it is shown at the next start.',
  quitAnyway: 'Quit, the hosts go on',
  cancelAndQuit: 'Cancel the move and quit',
  stay: 'Keep Zap open',
  done: (what: string) => `${what}: done`,
  failed: (what: string) => `${what}: failed`,
  openLinkTitle: 'Open this page in your browser?',
  open: 'Open',
  cancel: 'Cancel',
  tasks: { 'pod.move': 'Move', 'pod.clone': 'Clone', 'pod.suspend': 'Suspend', 'pod.resume': 'Resume', 'pod.create': 'Create', 'pod.delete': 'Delete', 'pod.recover': 'Recover', 'host.add': 'Add host', 'host.connect': 'Connect', 'host.doctor': 'Check host', 'host.fix': 'Fix host', 'host.upgrade': 'Upgrade helper', 'host.uninstall': 'Uninstall helper', 'host.evacuate': 'Evacuate host', 'environment.build': 'Build environment', 'environment.remove': 'Remove environment' },
};

export type Words = typeof en;

const de: Words = {
  quit: 'Zap beenden',
  show: 'Zap zeigen',
  idle: 'Nichts ist in Arbeit',
  undo: 'Rückgängig', redo: 'Wiederholen', cut: 'Ausschneiden', copy: 'Kopieren', paste: 'Einfügen', selectAll: 'Alles auswählen',
  zoomIn: 'Größer', zoomOut: 'Kleiner', zoomReset: 'Übliche Größe', fullScreen: 'Vollbild',
  movesRunTitle: 'Ein Umzug läuft',
  movesRun: (names) => `Noch unterwegs: ${names}.`,
  movesRunDetail: 'Die Hosts bringen ihn ohne diese App zu Ende; was daraus wurde, zeigt der nächste Start.',
  quitAnyway: 'Beenden, die Hosts machen weiter',
  cancelAndQuit: 'Umzug abbrechen und beenden',
  stay: 'Zap offen lassen',
  done: (what) => `${what}: fertig`,
  failed: (what) => `${what}: fehlgeschlagen`,
  openLinkTitle: 'Diese Seite im Browser öffnen?',
  open: 'Öffnen',
  cancel: 'Abbrechen',
  tasks: { 'pod.move': 'Umzug', 'pod.clone': 'Klon', 'pod.suspend': 'Anhalten', 'pod.resume': 'Fortsetzen', 'pod.create': 'Anlegen', 'pod.delete': 'Löschen', 'pod.recover': 'Wiederherstellen', 'host.add': 'Host hinzufügen', 'host.connect': 'Verbinden', 'host.doctor': 'Host prüfen', 'host.fix': 'Host instand setzen', 'host.upgrade': 'Helfer aktualisieren', 'host.uninstall': 'Helfer deinstallieren', 'host.evacuate': 'Host räumen', 'environment.build': 'Umgebung bauen', 'environment.remove': 'Umgebung entfernen' },
};

const all: Record<Locale, Words> = { en, de };

export function localeOf(setting: Settings['locale'], systemLocale: string): Locale {
  if (setting !== 'system') return setting;
  return systemLocale.toLowerCase().startsWith('de') ? 'de' : 'en';
}

export function wordsIn(locale: Locale): Words {
  return all[locale];
}
