/** Version of the helper; the desktop is of the same. */
export const version = '0.1.0';
