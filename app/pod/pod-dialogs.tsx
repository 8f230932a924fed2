/** Clone, rename, resume, delete: each says what will be there afterwards; a name is typed only where data is lost. */
import { useState } from 'react';
import { attempt } from '../commands/operate';
import { usePlans } from '../move/move-dialog';
import { planLine } from '../move/describe';
import { useLanguage, useText } from '../i18n/text';
import { closeDialog } from '../state/desk';
import { selectHostNames, useWorld } from '../state/selectors';
import { Question } from '../ui/dialog';
import { Cards, Select, TextField } from '../ui/field';
import { hostLabel } from '../ui/host-label';
import { NetworkFields, toNetwork, type NetworkDraft } from './network-fields';
import { freeName, podNamePattern } from './pod-name';
import { StateNote } from './state-note';

export function CloneDialog({ id }: { id: string }) {
  const t = useText();
  const pod = useWorld(({ pods }) => pods[id]);
  const pods = useWorld((state) => state.pods);
  const names = useWorld(selectHostNames);
  const taken = new Set(Object.values(pods).map(({ name }) => name));
  const [name, setName] = useState(() => freeName({ names: [`${pod?.name ?? 'pod'}-copy`.slice(0, 38)] }, taken));
  const [to, setTo] = useState(pod?.host ?? '');
  const [kind, setKind] = useState<'running' | 'fresh'>('running');
  const [network, setNetwork] = useState<NetworkDraft>({ profile: pod?.network.profile === 'none' ? 'none' : 'nat', address: '', gateway: '' });
  if (!pod) return null;
  const error = !podNamePattern.test(name) ? t('pod.bad-name') : taken.has(name) ? t('pod.name-taken', { pod: name }) : undefined;
  const wire = toNetwork(network);
  const clone = async (): Promise<void> => {
    if (wire && (await attempt('pod.clone', { pod: id, name, to, isFresh: kind === 'fresh', network: wire }))) closeDialog();
  };
  return (
    <Question
      title={t('clone.title', { pod: pod.name })}
      size="large"
      onClose={closeDialog}
      answer={t('clone.clone')}
      isDisabled={error !== undefined || !wire}
      onAnswer={() => void clone()}
    >
      <Cards
        label={t('clone.kind')}
        columns={2}
        value={kind}
        onChange={setKind}
        options={[
          { value: 'running', label: t('clone.running'), detail: t('clone.running-note') },
          { value: 'fresh', label: t('clone.fresh'), detail: t('clone.fresh-note') },
        ]}
      />
      <div className="field-row">
        <TextField label={t('list.name')} value={name} onChange={setName} error={error} autoFocus />
        <Select label={t('list.host')} value={to} onChange={setTo} options={names.map((value) => ({ value, label: hostLabel(value, t) }))} />
      </div>
      <NetworkFields draft={network} onChange={setNetwork} />
    </Question>
  );
}

export function RenameDialog({ id }: { id: string }) {
  const t = useText();
  const pod = useWorld(({ pods }) => pods[id]);
  const pods = useWorld((state) => state.pods);
  const [name, setName] = useState(pod?.name ?? '');
  if (!pod) return null;
  const error = !podNamePattern.test(name) ? t('pod.bad-name') : Object.values(pods).some((other) => other.name === name && other.id !== id) ? t('pod.name-taken', { pod: name }) : undefined;
  const rename = async (): Promise<void> => {
    if (error === undefined && (name === pod.name || (await attempt('pod.rename', { pod: id, name })))) closeDialog();
  };
  return (
    <Question
      title={t('rename.title', { pod: pod.name })}
      size="small"
      onClose={closeDialog}
      answer={t('rename.rename')}
      isDisabled={error !== undefined}
      onAnswer={() => void rename()}
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void rename();
        }}
      >
        <TextField label={t('list.name')} value={name} onChange={setName} error={error} autoFocus description={t('rename.note')} />
      </form>
    </Question>
  );
}

export function ResumeDialog({ id }: { id: string }) {
  const language = useLanguage();
  const { t } = language;
  const pod = useWorld(({ pods }) => pods[id]);
  const names = useWorld(selectHostNames);
  const plans = usePlans(id);
  const [to, setTo] = useState(pod?.host ?? '');
  if (!pod) return null;
  const resume = async (): Promise<void> => {
    if (await attempt('pod.resume', { pod: id, ...(to === pod.host ? {} : { to }) })) closeDialog();
  };
  return (
    <Question
      title={t('resume.title', { pod: pod.name })}
      onClose={closeDialog}
      answer={t('resume.resume')}
      onAnswer={() => void resume()}
    >
      <Cards
        label={t('resume.where')}
        value={to}
        onChange={setTo}
        options={names.map((value) => {
          const plan = plans?.[value];
          return { value, label: hostLabel(value, t), detail: value === pod.host ? t('resume.here') : plan ? planLine(plan, language) : t('move.asking'), isDisabled: value !== pod.host && plan?.verdict === 'impossible' };
        })}
      />
    </Question>
  );
}

/** One copy of a POD in doubt goes on: only a person can know whether the other one does. */
export function RunHereDialog({ id }: { id: string }) {
  const t = useText();
  const pod = useWorld(({ pods }) => pods[id]);
  if (!pod) return null;
  const recover = async (): Promise<void> => {
    if (await attempt('pod.recover', { pod: id, decision: 'run-here' })) closeDialog();
  };
  return (
    <Question
      title={t('run-here.title', { pod: pod.name, host: pod.host })}
      size="small"
      onClose={closeDialog}
      answer={t('run-here.run')}
      isDangerous
      isCancelFocused
      onAnswer={() => void recover()}
    >
      <StateNote pod={pod} />
      <p>{t('run-here.text')}</p>
    </Question>
  );
}

/** Deletes PODs, or gives up one copy of a POD in doubt. */
export function DeleteDialog({ ids, isDiscard = false }: { ids: readonly string[]; isDiscard?: boolean }) {
  const t = useText();
  const known = useWorld(({ pods }) => pods);
  const [typed, setTyped] = useState('');
  const pods = ids.flatMap((id) => known[id] ?? []);
  const first = pods[0];
  if (!first) return null;
  const word = pods.length === 1 ? first.name : t('delete.word', { count: pods.length });
  const remove = async (): Promise<void> => {
    const done = await Promise.all(pods.map((pod) => (isDiscard ? attempt('pod.recover', { pod: pod.id, decision: 'discard-here' }) : attempt('pod.delete', { pod: pod.id }))));
    if (done.some((answer) => answer !== undefined)) closeDialog();
  };
  return (
    <Question
      title={isDiscard ? t('discard.title', { pod: first.name, host: first.host }) : pods.length === 1 ? t('delete.title', { pod: first.name }) : t('delete.title-many', { count: pods.length })}
      size="small"
      onClose={closeDialog}
      answer={isDiscard ? t('discard.discard') : t('delete.delete')}
      isDangerous
      isDisabled={typed !== word}
      onAnswer={() => void remove()}
    >
      <p>{isDiscard ? t('discard.text') : t('delete.text', { count: pods.length })}</p>
      {pods.length > 1 && <p className="quiet">{pods.map(({ name }) => name).join(', ')}</p>}
      <TextField label={t('common.type-name', { name: word })} value={typed} onChange={setTyped} autoFocus />
    </Question>
  );
}
