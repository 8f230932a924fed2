/** Everything by name: commands on what is open or selected, PODs, hosts, and "POD to host" in one go. */
import uFuzzy from '@leeoniya/ufuzzy';
import { Box, CornerDownLeft, Search, Server, type LucideIcon } from 'lucide-react';
import { useMemo, useState } from 'react';
import { Autocomplete, Dialog, Input, Keyboard, ListBox, ListBoxItem, Modal, ModalOverlay, TextField } from 'react-aria-components';
import { commandIds, commands } from '../../main/contract/commands';
import { useText, type Text } from '../i18n/text';
import { beginMove } from '../move/begin-move';
import { desk, useDesk } from '../state/desk';
import { navigate } from '../state/navigation';
import { world } from '../state/world';
import { actions } from './actions';
import { formatKeys } from './keys';
import { applies, currentContext, run } from './run';
import { hostLabel } from '../ui/host-label';

const SHOWN = 60;

export interface Entry {
  id: string;
  label: string;
  detail: string;
  icon: LucideIcon;
  keys?: string | undefined;
  run: () => void;
}

export function Palette() {
  const isOpen = useDesk(({ palette }) => palette === 'open');
  const close = (): void => desk.setState({ palette: 'closed' });
  return (
    <ModalOverlay className="scrim scrim-top" isOpen={isOpen} onOpenChange={(open) => !open && close()} isDismissable>
      <Modal className="palette">
        <PaletteBody onClose={close} />
      </Modal>
    </ModalOverlay>
  );
}

function PaletteBody({ onClose }: { onClose: () => void }) {
  const t = useText();
  const [needle, setNeedle] = useState('');
  const entries = useMemo(() => entriesOf(t), [t]);
  const found = useMemo(() => search(entries, needle), [entries, needle]);
  return (
    <Dialog className="palette-dialog" aria-label={t('command.app.palette')}>
      <Autocomplete inputValue={needle} onInputChange={setNeedle} filter={() => true}>
        <TextField aria-label={t('palette.placeholder')} className="palette-field" autoFocus>
          <Search size={17} aria-hidden />
          <Input className="palette-input" role="combobox" aria-expanded aria-haspopup="listbox" placeholder={t('palette.placeholder')} spellCheck={false} />
        </TextField>
        <ListBox
          className="palette-list"
          aria-label={t('palette.results')}
          items={found}
          selectionMode="none"
          onAction={(key) => {
            onClose();
            const entry = entries.find(({ id }) => id === key);
            // What has the focus when the palette is gone is what the command may want.
            setTimeout(() => entry?.run());
          }}
          renderEmptyState={() => <p className="palette-none quiet">{t('palette.none', { needle })}</p>}
        >
          {({ id, label, detail, icon: Icon, keys }) => (
            <ListBoxItem id={id} textValue={label} className="menu-item palette-item">
              <Icon size={16} aria-hidden />
              <span className="truncate">{label}</span>
              <span className="quiet small grow truncate">{detail}</span>
              {keys && <Keyboard>{keys}</Keyboard>}
              <CornerDownLeft size={13} className="palette-enter" aria-hidden />
            </ListBoxItem>
          )}
        </ListBox>
      </Autocomplete>
    </Dialog>
  );
}

export function entriesOf(t: Text): Entry[] {
  const { pods, hosts } = world.getState();
  const context = currentContext();
  const subject = context.pods.length === 1 ? context.pods[0]!.name : context.pods.length > 1 ? t('overview.selected', { count: context.pods.length }) : '';
  const ofCommands = commandIds
    .filter((id) => commands[id].isHiddenInPalette !== true && applies(id, context))
    .map((id): Entry => {
      const { target, keys } = commands[id];
      const detail = target === 'pod' ? subject : target === 'host' ? (context.host?.name ?? '') : '';
      return { id, label: t(`command.${id}`), detail, icon: actions[id].icon, keys: formatKeys(keys), run: () => run(id, context) };
    });
  const ofPods = Object.values(pods).map((pod): Entry => ({ id: `pod ${pod.id}`, label: pod.name, detail: t('palette.pod', { host: pod.host }), icon: Box, run: () => navigate({ page: 'pod', pod: pod.id }) }));
  const ofHosts = Object.values(hosts).map(({ name }): Entry => ({ id: `host ${name}`, label: hostLabel(name, t), detail: t('palette.host'), icon: Server, run: () => navigate({ page: 'host', host: name }) }));
  const movable = context.pods.filter((pod) => pod.task === undefined && !pod.isStale);
  const ofMoves = movable.length === 0 ? [] : Object.keys(hosts).filter((name) => movable.some(({ host }) => host !== name)).map((name): Entry => ({ id: `move ${name}`, label: t('palette.move', { host: hostLabel(name, t) }), detail: subject, icon: actions['pod.move'].icon, run: () => beginMove(movable.map(({ id }) => id), name) }));
  return [...ofCommands, ...ofMoves, ...ofPods, ...ofHosts];
}

const fuzzy = new uFuzzy({ intraMode: 1, unicode: true });

export function search(entries: readonly Entry[], needle: string): Entry[] {
  if (needle.trim() === '') return entries.slice(0, SHOWN);
  const haystack = entries.map(({ label, detail }) => `${label} ${detail}`);
  const [indexes, info, order] = fuzzy.search(haystack, needle, 1);
  if (!indexes) return [];
  const best = info && order ? order.map((at) => info.idx[at]!) : indexes;
  return best.slice(0, SHOWN).map((index) => entries[index]!);
}
