/** A terminal and a desktop on screen while their POD moves: with real hosts, a real X server and tmux, and a window that never reconnects. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { setTimeout as delay } from 'node:timers/promises';
import { findHelperExecutable } from '../../../main/helper-client/executable';
import { Fleet } from '../../../main/helper-client/fleet';
import { Inventory } from '../../../main/hosts/inventory';
import { movePod } from '../../../main/moves/coordinator';
import { findPod } from '../../../main/pods/locate';
import { runStream } from '../../../main/streams/open';
import { listTerminals, terminalHistory } from '../../../main/streams/terminals';
import type { HostName, Suite } from '../support/suite';
import { until } from '../support/until';
import { dirname } from 'node:path';
import { program } from '../support/zap';
import { Terminal } from '@xterm/headless';
import { Viewer } from './viewer';
import { Window } from './window';

const podName = 'watched';

export function followingStreams(suite: Suite): void {
  describe('a view of a POD', () => {
    let fleet: Fleet;
    let pod: string;
    let host: HostName = 'alpha';

    const move = async (): Promise<void> => {
      host = suite.other(host);
      await movePod(fleet, await findPod(fleet, pod), host, { resume: true });
    };
    const inside = (...command: string[]): Promise<string> => suite.exec(podName, ...command).then(({ stdout }) => stdout);

    beforeAll(async () => {
      ({ pod: { id: pod } } = await suite.create(podName, { options: [...suite.lan(suite.newAddress()), '--geometry', '800x600'], command: null }));
      fleet = new Fleet(await Inventory.open(suite.zap.home), { executable: () => findHelperExecutable(dirname(program)) });
      await until('a screen', async () => (await inside('sh', '-c', 'test -S /tmp/.X11-unix/X1 && pgrep -c xterm || true')).trim() === '1');
    }, 120_000);
    afterAll(async () => {
      await fleet?.close();
      await suite.delete(podName);
    }, 60_000);

    test('a desktop goes on over moves, and every key that is typed meanwhile arrives once', async () => {
      await inside('sh', '-c', 'rm -f /home/user/typed');
      await suite.zap.json('pod', 'exec', podName, '--detach', '--', 'sh', '-c', 'DISPLAY=:1 exec xterm -geometry 40x5+300+450 -e sh -c "stty -icanon -echo; exec cat >/home/user/typed"');
      await until('a window to type in', async () => (await inside('sh', '-c', 'test -e /home/user/typed && echo yes || true')).trim() === 'yes');
      using viewer = new Viewer();
      const stream = runStream(fleet, { name: 'desktop', input: { pod } }, viewer.window.port);
      expect(await viewer.window.heard('opened')).toEqual({ type: 'opened', host });
      await until('a picture', () => viewer.updates > 0);
      expect([viewer.width, viewer.height]).toEqual([800, 600]);
      viewer.point(400, 500);

      const typed = await typeDuring((text) => viewer.type(text), async () => {
        for (let hop = 0; hop < 2; hop++) await move();
      });
      await until('what was typed', async () => (await inside('cat', '/home/user/typed')).length >= typed.length);
      expect(await inside('cat', '/home/user/typed')).toBe(typed);
      await viewer.window.heard('resumed', 2);
      expect(viewer.window.controls.map((control) => ('host' in control ? `${control.type} ${control.host}` : 'reason' in control ? `${control.type} ${control.reason}` : control.type))).toEqual(['opened alpha', 'paused moving', 'resumed beta', 'paused moving', 'resumed alpha']);
      const before = viewer.updates;
      await until('pictures from the new host', () => viewer.updates > before + 2);
      viewer.window[Symbol.dispose]();
      await stream;
    });

    test('a terminal goes on over moves, with its scrollback, and every key arrives once', async () => {
      const screen = new Terminal({ cols: 90, rows: 20, allowProposedApi: true });
      using window = new Window((bytes) => screen.write(bytes));
      const onScreen = (): number[] => numbersIn(Array.from({ length: 20 }, (_, y) => screen.buffer.active.getLine(y)!.translateToString(true)));
      const history = async (): Promise<number[]> => numbersIn((await terminalHistory(fleet, pod, 'kept', AbortSignal.timeout(10_000))).text.split('\n'));
      const running = (command: string): Promise<boolean> => until(command, async () => (await listTerminals(fleet, pod, AbortSignal.timeout(10_000))).some((terminal) => terminal.name === 'kept' && terminal.command === command));
      const all = Array.from({ length: 60 }, (_, i) => i + 1);
      const stream = runStream(fleet, { name: 'terminal', input: { pod, window: 'kept', columns: 90, rows: 20 } }, window.port);
      await window.heard('opened');
      window.send(Buffer.from('for i in $(seq 1 60); do echo "line $i"; done; stty -icanon -echo; cat >/home/user/keys\n'));
      await until('the lines', () => onScreen().at(-1) === 60);
      expect(await history()).toEqual(all);
      await running('cat');
      const typed = await typeDuring((more) => window.send(Buffer.from(more)), async () => {
        for (let hop = 0; hop < 2; hop++) await move();
      });
      await until('what was typed', async () => (await inside('cat', '/home/user/keys')).length >= typed.length);
      expect(await inside('cat', '/home/user/keys')).toBe(typed);
      await window.heard('resumed', 2);
      const before = onScreen();
      screen.reset();
      await move();
      await window.heard('resumed', 3);
      await until('the same screen', () => onScreen().join() === before.join());
      expect(await history()).toEqual(all);
      window.send(Buffer.from('\x03'));
      await running('bash');
      window.send(Buffer.from('exit\n'));
      expect(await window.heard('closed')).toEqual({ type: 'closed', reason: 'ended' });
      await stream;
    });
  });
}

/** Of the lines that say "line N". */
function numbersIn(lines: readonly string[]): number[] {
  return lines.flatMap((line) => /^line (\d+)$/.exec(line.trimEnd())?.[1] ?? []).map(Number);
}

/** Types numbers all the while; returns them all. */
async function typeDuring(type: (text: string) => void, act: () => Promise<void>): Promise<string> {
  let typed = '';
  let isOver = false;
  const typing = (async () => {
    for (let n = 0; !isOver; n++) {
      const word = `${n}\n`;
      type(word);
      typed += word;
      await delay(10);
    }
  })();
  try {
    await act();
  } finally {
    isOver = true;
    await typing;
  }
  return typed;
}
