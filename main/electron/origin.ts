/** Where the user interface is loaded from: a scheme of our own, so that nothing else in the world has its origin. */
export const SCHEME = 'app';
export const ORIGIN = `${SCHEME}://zap`;
export const START_PAGE = `${ORIGIN}/index.html`;

/** `URL.origin` is "null" for schemes that are not the web's own. */
export function originOf(url: string): string | undefined {
  try {
    const { protocol, host } = new URL(url);
    return `${protocol}//${host}`;
  } catch {
    return undefined;
  }
}
