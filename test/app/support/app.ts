/** The real app on a display of its own, driven from outside. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ElectronApplication, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { resolveElectron } from '../../../assets/electron/resolve.mjs';
import type { CallInput, CallName, CallOutput, CallResult, Snapshot, Task, ZapBridge } from '../../../main/contract';
import { ensureBuilt } from '../../integration/support/build';
import { until } from '../../integration/support/until';
import { openDisplay, type Display } from './display';
import { install, type Installed } from './installed';
import { launchElectron } from './launch';

declare global {
  interface Window {
    readonly zap: ZapBridge;
  }
}

/** What is set up once and used by every start of the app. */
export class AppStage {
  private constructor(
    readonly installed: Installed,
    readonly display: Display,
    private readonly userHome: string,
  ) {}

  static async open(): Promise<AppStage> {
    const installed = await install();
    const userHome = mkdtempSync(join(tmpdir(), 'zap-user-'));
    installed.give(userHome);
    return new AppStage(installed, await openDisplay(), userHome);
  }

  /** `zapHome` becomes the user's; root, which the lab is, may still read and write it. */
  async launch(zapHome: string, options: { args?: string[]; env?: NodeJS.ProcessEnv } = {}): Promise<RunningApp> {
    const { executable, args, env } = this.command(zapHome, options);
    const output: string[] = [];
    const app = await launchElectron({ chromiumSandbox: true, executablePath: executable, args, env });
    for (const stream of [app.process().stdout, app.process().stderr]) stream?.on('data', (chunk: Buffer) => output.push(chunk.toString()));
    const page = await app.firstWindow({ timeout: 60_000 });
    await page.waitForFunction(() => 'zap' in window);
    return new RunningApp(app, page, output);
  }

  /** How the app is started here. */
  command(zapHome: string, options: { args?: string[]; env?: NodeJS.ProcessEnv } = {}): { executable: string; args: string[]; env: Record<string, string> } {
    this.installed.give(zapHome);
    const { DBUS_SESSION_BUS_ADDRESS: _bus, SSH_AUTH_SOCK: _agent, ...inherited } = process.env;
    const env = { ...inherited, DISPLAY: this.display.name, HOME: this.userHome, ZAP_HOME: zapHome, XDG_CONFIG_HOME: join(this.userHome, '.config'), LANG: 'en_US.UTF-8', LANGUAGE: 'en', ...options.env } as Record<string, string>;
    return { executable: this.installed.executable, args: [this.installed.app, ...(options.args ?? [])], env };
  }

  async close(): Promise<void> {
    await this.display.close();
    this.installed.remove();
    rmSync(this.userHome, { recursive: true, force: true });
  }
}

export class RunningApp {
  constructor(
    readonly app: ElectronApplication,
    readonly page: Page,
    /** What it printed. */
    readonly output: readonly string[],
  ) {}

  /** As a page asks; a failure is a value. */
  ask<N extends CallName>(name: N, input: CallInput<N>): Promise<CallResult<CallOutput<N>>> {
    return this.page.evaluate(([callName, callInput]) => window.zap.call(callName, callInput as never), [name, input] as const) as Promise<CallResult<CallOutput<N>>>;
  }

  async call<N extends CallName>(name: N, input: CallInput<N>): Promise<CallOutput<N>> {
    const result = await this.ask(name, input);
    if (!result.ok) throw new Error(`${name}: ${result.error.code}: ${result.error.message}`);
    return result.value;
  }

  snapshot(): Promise<Snapshot> {
    return this.call('state.snapshot', {});
  }

  /** The state, once it is as wanted. */
  async state(what: string, isWanted: (snapshot: Snapshot) => boolean, withinMs = 30_000): Promise<Snapshot> {
    let last!: Snapshot;
    await until(what, async () => isWanted((last = await this.snapshot())), { withinMs });
    return last;
  }

  /** The task's last state. */
  async ended(id: string, withinMs = 60_000): Promise<Task> {
    const find = (snapshot: Snapshot): Task | undefined => snapshot.tasks.find((task) => task.id === id);
    const snapshot = await this.state(`task ${id} has ended`, (now) => ['done', 'failed', 'cancelled'].includes(find(now)?.state.kind ?? ''), withinMs);
    return find(snapshot)!;
  }

  async close(): Promise<void> {
    await this.app.close();
  }
}

/** Undefined where there is an Electron, or could be fetched; else why not. */
const trouble = await resolveElectron({ say: (text) => console.warn(text) }).then(
  () => undefined,
  (error: Error) => error.message,
);

/** Without an Electron nothing of the app can be tested: said loudly, and in CI a failure. */
export function describeWithElectron(name: string, define: () => void): void {
  if (trouble === undefined) return void describe(name, { timeout: 60_000 }, define);
  if (process.env['CI']) {
    test(name, () => {
      throw new Error(`a skipped test is a failure here: ${trouble}`);
    });
    return;
  }
  console.warn(`\n*** SKIPPED: ${name}: ${trouble} Nothing about it was tested. ***\n`);
  test.skip(`${name}: there is no Electron`, () => {});
}

/** Tests on a stage of their own. */
export function describeApp(name: string, define: (stage: () => AppStage) => void): void {
  describeWithElectron(name, () => {
    let stage: AppStage;
    beforeAll(async () => {
      await ensureBuilt();
      stage = await AppStage.open();
    }, BUILD_TIMEOUT_MS);
    afterAll(() => stage?.close());
    define(() => stage);
  });
}

const BUILD_TIMEOUT_MS = 300_000;
