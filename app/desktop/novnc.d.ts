/** What we use of noVNC 1.7, which has no types of its own. */
declare module '@novnc/novnc' {
  /** What noVNC wants of a WebSocket. */
  export interface RawChannel {
    binaryType: string;
    protocol: string;
    readyState: number;
    onopen: (() => void) | null;
    onmessage: ((event: { data: ArrayBuffer | Uint8Array }) => void) | null;
    onclose: ((event: { code: number; reason: string; wasClean: boolean }) => void) | null;
    onerror: (() => void) | null;
    send(data: Uint8Array): void;
    close(): void;
  }

  export default class RFB extends EventTarget {
    constructor(target: HTMLElement, channel: RawChannel, options?: { shared?: boolean });
    viewOnly: boolean;
    scaleViewport: boolean;
    focusOnClick: boolean;
    background: string;
    qualityLevel: number;
    showDotCursor: boolean;
    focus(options?: FocusOptions): void;
    blur(): void;
    disconnect(): void;
    sendCtrlAltDel(): void;
    sendKey(keysym: number, code: string, isDown?: boolean): void;
    clipboardPasteFrom(text: string): void;
  }
}
