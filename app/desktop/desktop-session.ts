/**
 * One desktop on screen: a stream and the viewer that paints it.
 *
 * Lives apart from React: what is painted and typed many times a second is no state.
 */
import RFB from '@novnc/novnc';
import { afterControl, type ViewState } from '../streams/view-state';
import { ByteStream } from '../streams/byte-stream';
import { failureOf } from '../bridge/zap';
import { mendReset } from './mend-reset';
import { RfbChannel } from './rfb-channel';

export interface DesktopOptions {
  isViewOnly: boolean;
  isScaled: boolean;
  /** Only then does text of the POD's clipboard come here, or ours go there. */
  sharesClipboard: boolean;
}

/** Left and right of Shift, Control, Meta and Alt, and AltGr: X11's symbols and the keys they are on. */
const modifiers: [keysym: number, code: string][] = [
  [0xffe1, 'ShiftLeft'],
  [0xffe2, 'ShiftRight'],
  [0xffe3, 'ControlLeft'],
  [0xffe4, 'ControlRight'],
  [0xffe9, 'AltLeft'],
  [0xffea, 'AltRight'],
  [0xffeb, 'MetaLeft'],
  [0xffec, 'MetaRight'],
  [0xfe03, 'AltRight'],
];
const MAX_CLIPBOARD_CHARACTERS = 1_000_000;

export class DesktopSession {
  private readonly rfb: RFB;
  private stream: ByteStream | undefined;
  private state: ViewState = { kind: 'connecting' };
  private options: DesktopOptions;
  private lastClipboard = '';
  private isDisposed = false;

  constructor(
    pod: string,
    target: HTMLElement,
    options: DesktopOptions,
    private readonly events: { onState: (state: ViewState) => void; onLost: () => void },
  ) {
    const channel = new RfbChannel({ send: (bytes) => this.stream?.send(bytes), close: () => this.stream?.close() });
    this.rfb = new RFB(target, channel, { shared: true });
    mendReset(this.rfb);
    this.rfb.background = 'transparent';
    this.rfb.focusOnClick = true;
    this.options = options;
    this.apply(options);
    this.rfb.addEventListener('clipboard', (event) => this.onRemoteClipboard((event as CustomEvent<{ text: string }>).detail.text));
    // The stream goes on for ever: when it is the viewer that gives up, a new one may do better.
    this.rfb.addEventListener('disconnect', () => this.state.kind !== 'closed' && !this.isDisposed && this.events.onLost());
    void this.connect(pod, channel);
  }

  apply(options: DesktopOptions): void {
    this.options = options;
    this.rfb.viewOnly = options.isViewOnly;
    this.rfb.scaleViewport = options.isScaled;
    if (options.sharesClipboard) void this.offerClipboard();
  }

  focus(): void {
    this.rfb.focus({ preventScroll: true });
    if (this.options.sharesClipboard) void this.offerClipboard();
  }

  /** Keys are ours again; none stays pressed in the POD. */
  release(): void {
    for (const [keysym, code] of modifiers) this.rfb.sendKey(keysym, code, false);
    this.rfb.blur();
  }

  sendCtrlAltDel(): void {
    this.rfb.sendCtrlAltDel();
  }

  dispose(): void {
    this.isDisposed = true;
    this.stream?.close();
    this.rfb.disconnect();
  }

  private async connect(pod: string, channel: RfbChannel): Promise<void> {
    try {
      const stream = await ByteStream.open('desktop', { pod }, {
        onBytes: (bytes, done) => {
          channel.receive(bytes);
          done();
        },
        onControl: (control) => {
          this.enter(afterControl(this.state, control));
          if (control.type === 'closed') channel.end();
        },
        onLost: () => channel.end(), // of which the viewer tells
      });
      if (this.isDisposed) return stream.close();
      this.stream = stream;
      channel.open();
    } catch (thrown) {
      this.enter({ kind: 'closed', reason: 'failed', error: failureOf(thrown) });
    }
  }

  private enter(state: ViewState): void {
    this.state = state;
    if (!this.isDisposed) this.events.onState(state);
  }

  /** The POD may say anything at any time; it is heard only by who asked for it, and while he looks. */
  private onRemoteClipboard(text: string): void {
    if (!this.options.sharesClipboard || !document.hasFocus() || text.length > MAX_CLIPBOARD_CHARACTERS) return;
    this.lastClipboard = text;
    navigator.clipboard.writeText(text).catch(() => {}); // lost the focus meanwhile
  }

  private async offerClipboard(): Promise<void> {
    const text = await navigator.clipboard.readText().catch(() => '');
    if (text === '' || text === this.lastClipboard || text.length > MAX_CLIPBOARD_CHARACTERS || this.isDisposed || !this.options.sharesClipboard || this.options.isViewOnly) return;
    this.lastClipboard = text;
    this.rfb.clipboardPasteFrom(text);
  }
}
