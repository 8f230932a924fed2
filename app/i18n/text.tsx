/** The language of the window: texts by id, and figures as people write them. */
import { createIntl, createIntlCache } from 'react-intl';
import { createContext, useContext, useEffect, useMemo, type ReactNode } from 'react';
import { I18nProvider } from 'react-aria-components';
import type { Locale } from '../../main/contract';
import { chooseLocale } from '../../main/contract/locales';
import { useWorld } from '../state/selectors';
import { catalog, type Text } from './catalog';
import { makeFormat, type Format } from './format';

export type { Text };

export interface Language {
  locale: Locale;
  t: Text;
  format: Format;
}

const made = new Map<Locale, Language>();

export function languageOf(locale: Locale): Language {
  let language = made.get(locale);
  if (!language) {
    const intl = createIntl({ locale, messages: catalog[locale] }, createIntlCache());
    const t: Text = (id, values) => (values ? intl.formatMessage({ id }, values) : intl.formatMessage({ id }));
    language = { locale, t, format: makeFormat(locale, t) };
    made.set(locale, language);
  }
  return language;
}

const Context = createContext<Language | undefined>(undefined);

export function LanguageProvider({ children }: { children: ReactNode }) {
  const setting = useWorld(({ settings }) => settings.locale);
  const language = useMemo(() => languageOf(chooseLocale(setting, navigator.languages)), [setting]);
  useEffect(() => {
    document.documentElement.lang = language.locale;
  }, [language]);
  return (
    <I18nProvider locale={language.locale}>
      <Context value={language}>{children}</Context>
    </I18nProvider>
  );
}

export function useLanguage(): Language {
  const language = useContext(Context);
  if (!language) throw new Error('no language above this component');
  return language;
}

export function useText(): Text {
  return useLanguage().t;
}

export function useFormat(): Format {
  return useLanguage().format;
}
