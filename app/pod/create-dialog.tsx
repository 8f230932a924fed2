/** A new POD: from which environment, where, under what name and with which network and limits. */
import { Monitor, SquareTerminal } from 'lucide-react';
import { useMemo, useState } from 'react';
import { attempt } from '../commands/operate';
import { useLanguage } from '../i18n/text';
import { closeDialog } from '../state/desk';
import { isReachable, selectHostNames, useWorld } from '../state/selectors';
import { Question } from '../ui/dialog';
import { Cards, Select, TextField } from '../ui/field';
import { hostLabel } from '../ui/host-label';
import { NetworkFields, toNetwork, type NetworkDraft } from './network-fields';
import { freeName, podNamePattern } from './pod-name';

const MIB = 1 << 20;

export function CreateDialog({ host: preset }: { host: string | undefined }) {
  const { t, format } = useLanguage();
  const hosts = useWorld((state) => state.hosts);
  const names = useWorld(selectHostNames);
  const pods = useWorld((state) => state.pods);
  const [host, setHost] = useState(() => preset ?? names.find((name) => isReachable(hosts[name]) && hosts[name]!.environments.length > 0) ?? names[0] ?? '');
  const environments = hosts[host]?.environments ?? [];
  const [chosen, setChosen] = useState<string>();
  const environment = environments.find(({ digest }) => digest === chosen) ?? environments[0];
  const [ownName, setOwnName] = useState<string>();
  const taken = useMemo(() => new Set(Object.values(pods).map((pod) => pod.name)), [pods]);
  const name = ownName ?? (environment ? freeName(environment, taken) : '');
  const nameError = name === '' ? undefined : !podNamePattern.test(name) ? t('pod.bad-name') : taken.has(name) ? t('pod.name-taken', { pod: name }) : undefined;
  const [network, setNetwork] = useState<NetworkDraft>({ profile: 'nat', address: '', gateway: '' });
  const [memory, setMemory] = useState('');
  const [cpus, setCpus] = useState('');
  const wire = toNetwork(network);
  const limits = { ...(memory === '' ? {} : { memoryBytes: Math.round(Number(memory) * MIB) }), ...(cpus === '' ? {} : { cpus: Number(cpus.replace(',', '.')) }) };
  const areLimitsGood = Object.values(limits).every((value) => Number.isFinite(value) && value > 0);
  const canCreate = environment !== undefined && name !== '' && nameError === undefined && wire !== undefined && areLimitsGood;
  const create = async (): Promise<void> => {
    if (!environment || !wire) return;
    if (await attempt('pod.create', { host, name, environment: environment.digest, network: wire, limits })) closeDialog();
  };
  return (
    <Question
      title={t('create.title')}
      size="large"
      onClose={closeDialog}
      answer={t('create.create')}
      isDisabled={!canCreate}
      onAnswer={() => void create()}
    >
      <Select label={t('list.host')} value={host} onChange={setHost} options={names.map((value) => ({ value, label: hostLabel(value, t), detail: isReachable(hosts[value]) ? undefined : t(`host.state.${hosts[value]!.connection.kind}`) }))} />
      {environments.length === 0 ? (
        <p className="callout">{t('create.no-environments', { host })}</p>
      ) : (
        <Cards
          label={t('create.environment')}
          columns={2}
          value={environment?.digest ?? ''}
          onChange={setChosen}
          options={environments.map((info) => ({
            value: info.digest,
            label: info.names[0] ?? info.digest.slice(7, 19),
            detail: (
              <span className="row" style={{ gap: 6 }}>
                {info.hasDisplay ? <Monitor size={13} aria-hidden /> : <SquareTerminal size={13} aria-hidden />}
                {t('create.environment-detail', { kind: info.hasDisplay ? t('create.with-desktop') : t('create.terminal-only'), size: format.bytes(info.sizeBytes) })}
              </span>
            ),
          }))}
        />
      )}
      <TextField label={t('list.name')} value={name} onChange={setOwnName} error={nameError} description={t('create.name-note')} />
      <NetworkFields draft={network} onChange={setNetwork} />
      <div className="field-row">
        <TextField label={t('create.memory')} inputMode="numeric" value={memory} onChange={setMemory} description={t('create.unlimited-note')} />
        <TextField label={t('create.cpus')} inputMode="decimal" value={cpus} onChange={setCpus} description={t('create.unlimited-note')} />
      </div>
      {!areLimitsGood && <p className="field-error">{t('create.bad-limits')}</p>}
    </Question>
  );
}
