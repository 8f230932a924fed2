/** Which programs this host has. */
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import { childEnvironment } from './spawn';

export function isInstalled(program: string): boolean {
  return childEnvironment.PATH!.split(':').some((directory) => {
    try {
      accessSync(join(directory, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
