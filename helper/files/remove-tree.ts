/** Removes a tree of any depth, with names that are any bytes. */
import { closeSync, rmdirSync } from 'node:fs';
import { splitPath } from './entry';
import { Pacer } from './pacer';
import { walkTree } from './walk';
import { O_DIRECTORY, O_RDONLY, openBeneath, openRoot, removeDirectoryAt, unlinkAt } from '../system/paths';

/** Empties an open directory step by step, without a descriptor for each level: trees can be deeper than descriptors are many. */
export function* emptying(top: number): Generator<void> {
  const directories: string[] = [];
  for (const step of walkTree(top)) {
    if (step.path === '') continue;
    if (step.stat.type === 'directory') directories.push(step.path);
    else unlinkAt(step.directory, step.name);
    yield;
  }
  for (const path of directories.reverse()) {
    const [parent, name] = splitPath(path);
    const directory = openBeneath(top, parent, O_RDONLY | O_DIRECTORY);
    try {
      removeDirectoryAt(directory, name);
    } finally {
      closeSync(directory);
    }
    yield;
  }
}

export async function removeTree(path: string): Promise<void> {
  const pacer = new Pacer();
  const top = openRoot(path);
  try {
    for (const _ of emptying(top)) if (pacer.isDue) await pacer.breathe();
  } finally {
    closeSync(top);
  }
  rmdirSync(path);
}
