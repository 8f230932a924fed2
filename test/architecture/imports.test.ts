/** The tables of docs/ARCHITECTURE.md, held against every import of every source file. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { describe, expect, it } from 'vitest';

const top = join(import.meta.dirname, '../..');

interface Room {
  /** Place in its table: a room may import rooms of lower rank. */
  rank: number;
  packages: Set<string>;
}

function readRooms(): Map<string, Room> {
  const rooms = new Map<string, Room>();
  const rows = readFileSync(join(top, 'docs/ARCHITECTURE.md'), 'utf8').split('\n').filter((line) => /^\| `(?:main|helper)\//.test(line));
  rows.forEach((row, rank) => {
    const cells = row.split('|').map((cell) => cell.trim());
    const packages = new Set(cells[3]!.split(',').map((name) => name.trim()).filter((name) => name !== ''));
    for (const [, name] of cells[1]!.matchAll(/`([^`]+)`/g)) rooms.set(name!, { rank, packages });
  });
  return rooms;
}

/** Every module named in `import … from`, `export … from`, `import '…'` and `import('…')`, type imports included. */
function importsOf(text: string): { specifier: string; isType: boolean }[] {
  const code = text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');
  const statement = /^\s*(?:import|export)\s+(type\s)?[^'"`;]*?from\s+'([^']+)'|^\s*import\s+'([^']+)'|\bimport\(\s*'([^']+)'\s*\)/gm;
  return [...code.matchAll(statement)].map(([, type, from, bare, dynamic]) => ({ specifier: from ?? bare ?? dynamic!, isType: type !== undefined }));
}

const rooms = readRooms();
const roomOf = (path: string): string => path.split('/').slice(0, 2).join('/');
const packageOf = (specifier: string): string => (/^(?:@[^/]+\/)?[^/]+/.exec(specifier)?.[0] ?? specifier);
const files = ['main', 'helper'].flatMap((program) =>
  readdirSync(join(top, program), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts') && !/\.test\.ts$|-fixture\.ts$/.test(path))
    .map((path) => posix.join(program, path)),
);

const appFiles = readdirSync(join(top, 'app'), { recursive: true, encoding: 'utf8' })
  .filter((path) => /\.tsx?$/.test(path) && !path.endsWith('.test.ts'))
  .map((path) => posix.join('app', path));

/** The user interface runs in a browser's sandbox: no Node, no Electron, and of the rest of the program the contract alone. */
function appObjection(file: string, specifier: string): string | undefined {
  if (!specifier.startsWith('.')) return /^node:|^(?:electron|ssh2|koffi|zod)(?:\/|$)/.test(specifier) ? `${specifier} is nothing for the user interface` : undefined;
  const target = posix.normalize(posix.join(dirname(file), specifier));
  return target.startsWith('app/') || roomOf(target) === 'main/contract' ? undefined : `app may not import ${roomOf(target)}`;
}

/** Undefined where the import is allowed, else why not. */
function objection(file: string, specifier: string, isType: boolean): string | undefined {
  const room = rooms.get(roomOf(file));
  if (!room) return `${roomOf(file)} is not in the tables`;
  if (!specifier.startsWith('.')) {
    const isGuarded = !specifier.startsWith('node:') || [...rooms.values()].some(({ packages }) => packages.has(specifier));
    if (!isGuarded || room.packages.has(specifier.startsWith('node:') ? specifier : packageOf(specifier))) return undefined;
    return isType && specifier.startsWith('node:') ? undefined : `${specifier} is not a package of ${roomOf(file)}`;
  }
  const target = posix.normalize(posix.join(dirname(file), specifier));
  if (target === 'package.json' || roomOf(target) === roomOf(file) || roomOf(target) === 'helper/protocol') return undefined;
  if (target === 'test/lab') return file === 'main/cli/verbs/lab.ts' ? undefined : 'only `zap lab` starts the lab';
  const [program, targetProgram] = [file.split('/')[0], target.split('/')[0]];
  if (program !== targetProgram) return `${program} may not import ${roomOf(target)}`;
  const targetRoom = rooms.get(roomOf(target));
  if (!targetRoom) return `${roomOf(target)} is not in the tables`;
  return targetRoom.rank < room.rank ? undefined : `${roomOf(file)} stands before ${roomOf(target)}`;
}

describe('rooms and arrows', () => {
  it('finds the tables and the sources', () => {
    expect(rooms.size).toBeGreaterThan(20);
    expect(files.length).toBeGreaterThan(50);
  });

  it('reads all forms of import', () => {
    const text = "import a from 'a';\nimport type { B } from 'b';\nimport {\n  c,\n} from 'c';\nexport { d } from 'd';\nimport 'e';\nconst f = await import('f');\n// import 'g'\n/* import 'h' */";
    expect(importsOf(text).map(({ specifier }) => specifier)).toEqual(['a', 'b', 'c', 'd', 'e', 'f']);
  });

  it.each([
    ['helper/system/x.ts', '../criu/session', false],
    ['main/moves/x.ts', '../../helper/system/spawn', false],
    ['main/pods/x.ts', '../moves/plan', false],
    ['main/pods/x.ts', 'ssh2', false],
    ['helper/pod/x.ts', 'node:child_process', false],
    ['main/cli/x.ts', '../../test/lab', false],
    ['main/cli/x.ts', '../electron/window', false],
    ['helper/unheard-of/x.ts', './y', false],
  ])('objects to %s importing %s', (file, specifier, isType) => expect(objection(file, specifier, isType)).toBeDefined());

  it('keeps the user interface to the contract', () => {
    expect(appObjection('app/pod/x.tsx', '../../helper/protocol/model')).toBeDefined();
    expect(appObjection('app/pod/x.tsx', 'node:fs')).toBeDefined();
    expect(appFiles.length).toBeGreaterThan(50);
    const objections = appFiles.flatMap((file) =>
      importsOf(readFileSync(join(top, file), 'utf8')).flatMap(({ specifier }) => {
        const why = appObjection(file, specifier);
        return why === undefined ? [] : [`${file} imports ${specifier}: ${why}`];
      }),
    );
    expect(objections).toEqual([]);
  });

  it('holds in every file', () => {
    const objections = files.flatMap((file) =>
      importsOf(readFileSync(join(top, file), 'utf8')).flatMap(({ specifier, isType }) => {
        const why = objection(file, specifier, isType);
        return why === undefined ? [] : [`${file} imports ${specifier}: ${why}`];
      }),
    );
    expect(objections).toEqual([]);
  });
});
