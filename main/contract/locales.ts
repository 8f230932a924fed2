/** The languages that Zap speaks. */
export const locales = ['en', 'de'] as const;
export type Locale = (typeof locales)[number];

/** The first of a person's languages that Zap speaks, else English. */
export function chooseLocale(setting: 'system' | Locale, systemLanguages: readonly string[]): Locale {
  if (setting !== 'system') return setting;
  for (const language of systemLanguages) {
    const base = language.toLowerCase().split(/[-_.]/)[0];
    const found = locales.find((locale) => locale === base);
    if (found) return found;
  }
  return 'en';
}
