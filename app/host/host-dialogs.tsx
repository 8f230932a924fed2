/** Adding a host, removing it, uninstalling its helper, evacuating it. */
import { useState } from 'react';
import { attempt } from '../commands/operate';
import { useText } from '../i18n/text';
import { closeDialog, openDialog } from '../state/desk';
import { navigate } from '../state/navigation';
import { selectHostNames, selectPodsByHost, useWorld } from '../state/selectors';
import { Button } from '../ui/button';
import { Question, Sheet } from '../ui/dialog';
import { Select, TextField } from '../ui/field';
import { hostLabel } from '../ui/host-label';
import { hostNameOf, hostNamePattern } from './host-name';

export function AddHostDialog({ alias }: { alias: string | undefined }) {
  const t = useText();
  const suggestions = useWorld((state) => state.suggestions);
  const hosts = useWorld((state) => state.hosts);
  const [destination, setDestination] = useState(alias ?? '');
  const [ownName, setOwnName] = useState<string>();
  const [jump, setJump] = useState('');
  const [identityFile, setIdentityFile] = useState('');
  const name = ownName ?? (destination === '' ? '' : hostNameOf(destination));
  const nameError = name === '' ? undefined : !hostNamePattern.test(name) ? t('host.bad-name') : name in hosts ? t('host.name-taken', { host: name }) : undefined;
  const isAlias = suggestions.some((suggestion) => suggestion.alias === destination);
  const canAdd = destination.trim() !== '' && name !== '' && nameError === undefined;
  const add = async (): Promise<void> => {
    const started = await attempt('host.add', { host: name, destination: destination.trim(), ...(jump === '' || isAlias ? {} : { jump }), ...(identityFile === '' ? {} : { identityFile }) });
    if (started) closeDialog();
  };
  return (
    <Question
      title={t('add-host.title')}
      onClose={closeDialog}
      answer={t('add-host.add')}
      isDisabled={!canAdd}
      onAnswer={() => void add()}
    >
      <p className="quiet">{t('add-host.text')}</p>
      <TextField label={t('add-host.destination')} placeholder="anna@server.example:22" isMono autoFocus value={destination} onChange={setDestination} description={t('add-host.destination-note')} />
      {suggestions.length > 0 && (
        <div className="chips" role="group" aria-label={t('first.suggestions')}>
          {suggestions.slice(0, 12).map((suggestion) => (
            <Button key={suggestion.alias} isSmall onPress={() => setDestination(suggestion.alias)}>
              {suggestion.alias}
            </Button>
          ))}
        </div>
      )}
      <TextField label={t('add-host.name')} value={name} onChange={setOwnName} error={nameError} />
      {!isAlias && <TextField label={t('add-host.jump')} isMono value={jump} onChange={setJump} description={t('add-host.jump-note')} />}
      <TextField label={t('add-host.identity')} isMono placeholder="~/.ssh/id_ed25519" value={identityFile} onChange={setIdentityFile} description={t('add-host.identity-note')} />
      <p className="quiet small">{t('add-host.helper')}</p>
    </Question>
  );
}

export function RemoveHostDialog({ host }: { host: string }) {
  const t = useText();
  const remove = async (): Promise<void> => {
    if (await attempt('host.remove', { host })) {
      closeDialog();
      navigate({ page: 'overview' });
    }
  };
  return (
    <Question
      title={t('remove-host.title', { host })}
      size="small"
      onClose={closeDialog}
      answer={t('remove-host.remove')}
      isDangerous
      isCancelFocused
      onAnswer={() => void remove()}
    >
      <p>{t('remove-host.text')}</p>
    </Question>
  );
}

export function UninstallDialog({ host }: { host: string }) {
  const t = useText();
  const count = useWorld((state) => selectPodsByHost(state)[host]?.length ?? 0);
  const uninstall = async (): Promise<void> => {
    if (await attempt('host.uninstall', { host })) closeDialog();
  };
  return (
    <Sheet
      title={t('uninstall.title', { host })}
      size="small"
      onClose={closeDialog}
      actions={
        <>
          <Button onPress={closeDialog}>{t('common.cancel')}</Button>
          {count > 0 ? (
            <Button kind="primary" autoFocus onPress={() => openDialog({ kind: 'evacuate', host })}>
              {t('command.host.evacuate')}
            </Button>
          ) : (
            <Button kind="danger" onPress={() => void uninstall()}>
              {t('uninstall.uninstall')}
            </Button>
          )}
        </>
      }
    >
      <p>{t('uninstall.text', { host })}</p>
      {count > 0 && <p className="callout">{t('uninstall.has-pods', { count, host })}</p>}
    </Sheet>
  );
}

const ANY = '*';

export function EvacuateDialog({ host }: { host: string }) {
  const t = useText();
  const names = useWorld(selectHostNames);
  const count = useWorld((state) => selectPodsByHost(state)[host]?.length ?? 0);
  const [to, setTo] = useState(ANY);
  const evacuate = async (): Promise<void> => {
    if (await attempt('host.evacuate', { host, ...(to === ANY ? {} : { to }) })) closeDialog();
  };
  return (
    <Question
      title={t('evacuate.title', { host })}
      onClose={closeDialog}
      answer={t('evacuate.start', { count })}
      isDisabled={count === 0}
      onAnswer={() => void evacuate()}
    >
      <p>{t('evacuate.text', { count })}</p>
      <Select label={t('evacuate.to')} value={to} onChange={setTo} options={[{ value: ANY, label: t('evacuate.any') }, ...names.filter((name) => name !== host).map((name) => ({ value: name, label: hostLabel(name, t) }))]} />
    </Question>
  );
}
