/** All keys, made from the registry. */
import { commandIds, commands, type CommandTarget } from '../../main/contract/commands';
import type { MessageId } from '../i18n/catalog';
import { useText } from '../i18n/text';
import { closeDialog } from '../state/desk';
import { Sheet } from '../ui/dialog';
import { formatKeys } from './keys';

const groups: { target: CommandTarget; label: MessageId }[] = [
  { target: 'app', label: 'shortcuts.app' },
  { target: 'pod', label: 'shortcuts.pod' },
];

const elsewhere: { keys: string; label: MessageId }[] = [
  { keys: 'Enter', label: 'shortcuts.open' },
  { keys: '→ Enter', label: 'shortcuts.carry' },
  { keys: 'Shift+F10', label: 'shortcuts.menu' },
  { keys: 'Ctrl+A', label: 'shortcuts.all' },
  { keys: 'Ctrl+Shift+P', label: 'shortcuts.leave' },
];

export function ShortcutsSheet() {
  const t = useText();
  return (
    <Sheet title={t('shortcuts.title')} onClose={closeDialog} size="large" isText>
      <div className="shortcuts">
        {groups.map(({ target, label }) => (
          <section key={target} className="stack">
            <h3 className="section-title">{t(label)}</h3>
            <dl className="shortcut-list">
              {commandIds
                .filter((id) => commands[id].target === target && commands[id].keys !== undefined)
                .map((id) => (
                  <div key={id} className="shortcut">
                    <dt>{t(`command.${id}`)}</dt>
                    <dd>
                      {[commands[id].keys, ...(commands[id].otherKeys ?? [])].map((keys) => (
                        <kbd key={keys}>{formatKeys(keys)}</kbd>
                      ))}
                    </dd>
                  </div>
                ))}
            </dl>
          </section>
        ))}
        <section className="stack">
          <h3 className="section-title">{t('shortcuts.elsewhere')}</h3>
          <dl className="shortcut-list">
            {elsewhere.map(({ keys, label }) => (
              <div key={label} className="shortcut">
                <dt>{t(label)}</dt>
                <dd>
                  <kbd>{keys}</kbd>
                </dd>
              </div>
            ))}
          </dl>
        </section>
      </div>
    </Sheet>
  );
}
