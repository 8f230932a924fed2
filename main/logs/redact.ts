/** Makes a text fit to be shown to others: no secrets, no keys, no addresses of people. */

const patterns: readonly [RegExp, string][] = [
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g, '[private key]'],
  // One-time keys of transfers, and whatever else is as long and as random.
  [/\b[0-9a-f]{64}\b/gi, '[64 hexadecimal digits]'],
  [/\b(pass(?:word|phrase)?|secret|token|api[-_]?key|authorization|cookie)\b(["']?\s*[:=]\s*)(?:"[^"]*"|'[^']*'|\S+)/gi, '$1$2[secret]'],
  [/\b([a-z][a-z0-9+.-]*:\/\/)[^\s/@:]+:[^\s/@]+@/gi, '$1[secret]@'],
  [/\b(?:ghp|gho|ghs|github_pat|glpat|sk|xox[abprs])[-_][A-Za-z0-9_-]{16,}\b/g, '[token]'],
  [/\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*/g, '[token]'],
];

export function redact(text: string, known: { home?: string; user?: string } = {}): string {
  let clean = text;
  for (const [pattern, replacement] of patterns) clean = clean.replace(pattern, replacement);
  // Digests of environments are public and tell which one it was.
  clean = clean.replaceAll('sha256:[64 hexadecimal digits]', 'sha256:[digest]');
  if (known.home !== undefined && known.home.length > 1) clean = clean.replaceAll(known.home, '~');
  if (known.user !== undefined && known.user.length > 2 && known.user !== 'root') clean = clean.replaceAll(new RegExp(`\\b${known.user.replaceAll(/[^A-Za-z0-9_]/g, '\\$&')}\\b`, 'g'), '[user]');
  return clean;
}
