/** The one chord that a desktop does not take: it gives the keyboard back, and leaves full screen. */
export const releaseKeys = 'Ctrl+Alt+Esc';

export function isRelease(press: { key: string; ctrlKey: boolean; altKey: boolean }): boolean {
  return press.key === 'Escape' && press.ctrlKey && press.altKey;
}
