/** What a person can choose; each choice holds at once. */
import type { Settings } from '../../main/contract';
import { attempt } from '../commands/operate';
import { useText } from '../i18n/text';
import { closeDialog } from '../state/desk';
import { useWorld } from '../state/selectors';
import { Sheet } from '../ui/dialog';
import { Segments, Switch } from '../ui/field';

const fontSizes = ['11', '12', '13', '14', '16', '18'] as const;

export function SettingsDialog() {
  const t = useText();
  const settings = useWorld((state) => state.settings);
  const app = useWorld((state) => state.app);
  const change = (patch: Partial<Settings>): void => void attempt('settings.change', patch);
  return (
    <Sheet title={t('settings.title')} size="large" onClose={closeDialog}>
      <section className="stack">
        <h3 className="section-title">{t('settings.look')}</h3>
        <Segments label={t('settings.theme')} value={settings.theme} onChange={(theme) => change({ theme })} options={[{ value: 'system', label: t('settings.system') }, { value: 'light', label: t('settings.light') }, { value: 'dark', label: t('settings.dark') }]} />
        <Segments label={t('settings.locale')} value={settings.locale} onChange={(locale) => change({ locale })} options={[{ value: 'system', label: t('settings.system') }, { value: 'en', label: t('settings.english') }, { value: 'de', label: t('settings.german') }]} />
        <Segments label={t('settings.contrast')} value={settings.contrast} onChange={(contrast) => change({ contrast })} options={[{ value: 'system', label: t('settings.system') }, { value: 'more', label: t('settings.more-contrast') }]} />
        <Segments label={t('settings.motion')} value={settings.motion} onChange={(motion) => change({ motion })} options={[{ value: 'system', label: t('settings.system') }, { value: 'reduced', label: t('settings.less-motion') }]} />
      </section>
      <section className="stack">
        <h3 className="section-title">{t('settings.behaviour')}</h3>
        <Switch label={t('settings.thumbnails')} description={t('settings.thumbnails-note')} isSelected={settings.hasThumbnails} onChange={(hasThumbnails) => change({ hasThumbnails })} />
        <Switch label={t('settings.skip-plan')} description={t('settings.skip-plan-note')} isSelected={settings.skipsPlan} onChange={(skipsPlan) => change({ skipsPlan })} />
        <Switch label={t('settings.notify')} description={t('settings.notify-note')} isSelected={settings.notifies} onChange={(notifies) => change({ notifies })} />
        <Switch label={t('settings.tray')} isSelected={settings.hasTray} onChange={(hasTray) => change({ hasTray })} />
      </section>
      <section className="stack">
        <h3 className="section-title">{t('settings.sessions')}</h3>
        <Segments label={t('settings.scale')} value={settings.desktopScale} onChange={(desktopScale) => change({ desktopScale })} options={[{ value: 'fit', label: t('settings.fit') }, { value: 'actual', label: t('settings.actual') }]} />
        <Switch label={t('settings.clipboard')} description={t('settings.clipboard-note')} isSelected={settings.desktopClipboard} onChange={(desktopClipboard) => change({ desktopClipboard })} />
        <Segments label={t('settings.font-size')} value={String(settings.terminalFontSizePx)} onChange={(size) => change({ terminalFontSizePx: Number(size) })} options={fontSizes.map((value) => ({ value, label: value }))} />
        <Switch label={t('settings.copy-on-select')} isSelected={settings.terminalCopiesOnSelect} onChange={(terminalCopiesOnSelect) => change({ terminalCopiesOnSelect })} />
        <Switch label={t('settings.screen-reader')} description={t('settings.screen-reader-note')} isSelected={settings.terminalScreenReader} onChange={(terminalScreenReader) => change({ terminalScreenReader })} />
      </section>
      <p className="quiet small">{t('settings.about', { version: app.version })}</p>
    </Sheet>
  );
}
