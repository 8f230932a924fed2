/**
 * Which keys and buttons a server believes to be down.
 *
 * It lets go of all of them when its viewer hangs up. What is really still held must be pressed again on the next connection: modifiers, and the mouse in the middle
 * of a drag. Other keys are not, or a letter whose key was down in that moment would be typed twice.
 */
export class HeldInput {
  private readonly keys = new Map<string, Buffer>();
  private pointer: Buffer | undefined;

  /** Takes in a key or pointer message. */
  note(message: Buffer): void {
    if (message[0] === 5) {
      const buttons = (message[1]! & 0x7f) | (message.length === 7 ? message[6]! << 7 : 0);
      this.pointer = buttons === 0 ? undefined : message;
      return;
    }
    const isQemu = message[0] === 255;
    const isDown = isQemu ? message.readUInt16BE(2) !== 0 : message[1] !== 0;
    const id = message.toString('hex', 4); // symbol, and with QEMU's messages the key itself
    if (isDown && isModifier(message.readUInt32BE(4))) this.keys.set(id, message);
    else this.keys.delete(id);
  }

  /** The messages that press them again. */
  pressed(): Buffer[] {
    return [...this.keys.values(), ...(this.pointer ? [this.pointer] : [])];
  }
}

/** X11's Shift_L to Hyper_R, ISO_Level3_Shift, ISO_Level5_Shift and Mode_switch; the locks among them are no state of being held. */
function isModifier(keysym: number): boolean {
  const isLock = keysym === 0xffe5 || keysym === 0xffe6;
  return (keysym >= 0xffe1 && keysym <= 0xffee && !isLock) || keysym === 0xfe03 || keysym === 0xfe11 || keysym === 0xff7e;
}
