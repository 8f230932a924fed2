/** Tells when SSH's configuration changes: a file is written, replaced, made or removed. */
import { watch, type FSWatcher } from 'node:fs';
import { basename, dirname } from 'node:path';
import { readSshConfig } from './ssh-config';

/** Editors write a file in several steps. */
const SETTLE_MS = 100;

/** Watches the directories: a file that is replaced by another has lost its watchers. */
export async function watchSshConfig(onChange: () => void, files?: readonly string[]): Promise<Disposable> {
  let watchers: FSWatcher[] = [];
  let timer: NodeJS.Timeout | undefined;
  let isDisposed = false;
  const stop = (): void => {
    for (const watcher of watchers) watcher.close();
    watchers = [];
  };
  const begin = async (): Promise<void> => {
    const wanted = new Map<string, Set<string>>();
    for (const file of (await readSshConfig(files)).files) wanted.set(dirname(file), (wanted.get(dirname(file)) ?? new Set()).add(basename(file)));
    if (isDisposed) return;
    stop();
    for (const [directory, names] of wanted) {
      try {
        const isIncluded = (name: string | null): boolean => name === null || names.has(name) || directory.endsWith('.d');
        watchers.push(watch(directory, { persistent: false }, (_event, name) => isIncluded(name) && settle()).on('error', () => {}));
      } catch {
        // a directory that does not exist has nothing to tell
      }
    }
  };
  const settle = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => void begin().then(() => !isDisposed && onChange()), SETTLE_MS);
  };
  await begin();
  return {
    [Symbol.dispose]: () => {
      isDisposed = true;
      clearTimeout(timer);
      stop();
    },
  };
}
