/**
 * One terminal on screen: a stream and the emulator that shows it.
 *
 * Bytes are granted again when the emulator has painted them: a flood waits in the POD, not here. Lives apart from React.
 */
import { ClipboardAddon } from '@xterm/addon-clipboard';
import { FitAddon } from '@xterm/addon-fit';
import { UnicodeGraphemesAddon } from '@xterm/addon-unicode-graphemes';
import { WebLinksAddon } from '@xterm/addon-web-links';
import { WebglAddon } from '@xterm/addon-webgl';
import { Terminal } from '@xterm/xterm';
import '@xterm/xterm/css/xterm.css';
import { failureOf } from '../bridge/zap';
import { ByteStream } from '../streams/byte-stream';
import { afterControl, type ViewState } from '../streams/view-state';
import { podClipboard } from './clipboard';
import { AfterPaint } from './after-paint';
import { baseOptions, linksTo, type TerminalLook } from './look';

export interface TerminalEvents {
  onState: (state: ViewState) => void;
  onLost: () => void;
  onLink: (url: string) => void;
  /** True where it is taken care of, and the terminal shall not see it. */
  onKey: (event: KeyboardEvent) => boolean;
  /** The wheel was turned towards earlier lines, and no program wants it. */
  onScrollBack: () => void;
  onSelect: (text: string) => void;
}

export class TerminalSession {
  readonly terminal: Terminal;
  private readonly fitter = new FitAddon();
  private readonly painting = new AfterPaint();
  private stream: ByteStream | undefined;
  private state: ViewState = { kind: 'connecting' };
  private isDisposed = false;

  constructor(
    private readonly request: { pod: string; window: string },
    private readonly target: HTMLElement,
    look: TerminalLook,
    private readonly events: TerminalEvents,
  ) {
    this.terminal = new Terminal({ ...baseOptions, ...look.options, ...linksTo(events.onLink), scrollback: 0 });
    this.load(look);
    this.terminal.open(target);
    this.useGraphicsCard();
    this.fitter.fit();
    this.terminal.onData((text) => this.send(new TextEncoder().encode(text)));
    this.terminal.onBinary((text) => this.send(Uint8Array.from(text, (letter) => letter.charCodeAt(0))));
    this.terminal.onResize(({ cols, rows }) => this.stream?.resize({ columns: cols, rows }));
    this.terminal.onSelectionChange(() => events.onSelect(this.terminal.getSelection()));
    this.terminal.attachCustomKeyEventHandler((event) => !events.onKey(event));
    this.terminal.attachCustomWheelEventHandler(({ deltaY }) => {
      if (this.terminal.modes.mouseTrackingMode !== 'none') return true;
      if (deltaY < 0) events.onScrollBack();
      return false; // else it would become arrow keys, and a shell's history what was meant to scroll
    });
    void this.connect();
  }

  apply({ options }: TerminalLook): void {
    Object.assign(this.terminal.options, options);
    this.fit();
  }

  fit(): void {
    if (this.target.clientWidth > 0) this.fitter.fit();
  }

  focus(): void {
    this.terminal.focus();
  }

  dispose(): void {
    this.isDisposed = true;
    this.stream?.close();
    this.terminal.dispose();
  }

  private load(look: TerminalLook): void {
    this.terminal.loadAddon(this.fitter);
    this.terminal.loadAddon(new UnicodeGraphemesAddon());
    this.terminal.loadAddon(new WebLinksAddon((_, url) => this.events.onLink(url)));
    this.terminal.loadAddon(new ClipboardAddon(undefined, podClipboard({ mayWrite: look.mayWriteClipboard, hasFocus: () => document.hasFocus(), put: (text) => navigator.clipboard.writeText(text) })));
  }

  /** Where there is none, or it is lost, the terminal draws by itself. */
  private useGraphicsCard(): void {
    if (!hasGraphicsCard()) return;
    try {
      const renderer = new WebglAddon();
      renderer.onContextLoss(() => renderer.dispose());
      this.terminal.loadAddon(renderer);
    } catch {
      // no WebGL here
    }
  }

  private async connect(): Promise<void> {
    try {
      const { cols, rows } = this.terminal;
      const stream = await ByteStream.open('terminal', { ...this.request, columns: cols, rows }, {
        onBytes: (bytes, done) => this.terminal.write(bytes, () => this.painting.tell(bytes.length, done)),
        onControl: (control) => this.enter(afterControl(this.state, control)),
        onLost: () => !this.isDisposed && this.events.onLost(),
      });
      if (this.isDisposed) return stream.close();
      this.stream = stream;
      if (this.terminal.cols !== cols || this.terminal.rows !== rows) stream.resize({ columns: this.terminal.cols, rows: this.terminal.rows });
    } catch (thrown) {
      this.enter({ kind: 'closed', reason: 'failed', error: failureOf(thrown) });
    }
  }

  private send(bytes: Uint8Array): void {
    this.stream?.send(bytes);
  }

  private enter(state: ViewState): void {
    this.state = state;
    if (!this.isDisposed) this.events.onState(state);
  }
}

/** Software that stands in for a card costs more than the terminal's own way. */
function hasGraphicsCard(): boolean {
  return document.createElement('canvas').getContext('webgl2', { failIfMajorPerformanceCaveat: true }) !== null;
}
