/** Light or dark, contrast and motion: what the system says, unless the person chose. */
import { useEffect } from 'react';
import { useWorld } from '../state/selectors';

const queries = { dark: '(prefers-color-scheme: dark)', contrast: '(prefers-contrast: more)', motion: '(prefers-reduced-motion: reduce)' } as const;

export function useTheme(): void {
  const theme = useWorld(({ settings }) => settings.theme);
  const contrast = useWorld(({ settings }) => settings.contrast);
  const motion = useWorld(({ settings }) => settings.motion);
  useEffect(() => {
    const media = Object.fromEntries(Object.entries(queries).map(([name, query]) => [name, window.matchMedia(query)])) as Record<keyof typeof queries, MediaQueryList>;
    const apply = (): void => {
      const { dataset } = document.documentElement;
      dataset['theme'] = theme === 'system' ? (media.dark.matches ? 'dark' : 'light') : theme;
      dataset['contrast'] = contrast === 'more' || media.contrast.matches ? 'more' : 'normal';
      dataset['motion'] = motion === 'reduced' || media.motion.matches ? 'reduced' : 'full';
    };
    apply();
    for (const list of Object.values(media)) list.addEventListener('change', apply);
    return () => {
      for (const list of Object.values(media)) list.removeEventListener('change', apply);
    };
  }, [theme, contrast, motion]);
}
