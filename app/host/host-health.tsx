/** What a host is, how busy it is, and what its doctor found. */
import { ShieldCheck, Stethoscope, Wrench } from 'lucide-react';
import type { Host } from '../../main/contract';
import { attempt } from '../commands/operate';
import { run } from '../commands/run';
import { useLanguage } from '../i18n/text';
import { useNow } from '../state/selectors';
import { Button } from '../ui/button';
import { Facts, Panel } from '../ui/facts';
import { Findings } from '../ui/findings';
import { HostLoad } from './host-load';

export function HostHealth({ host }: { host: Host }) {
  const { t } = useLanguage();
  return (
    <div className="page-grid">
      <Doctor host={host} />
      <div className="stack">
        {host.connection.kind === 'ready' && (
          <Panel title={t('host.load')}>
            <HostLoad host={host} isLarge />
          </Panel>
        )}
        <HostFactsPanel host={host} />
      </div>
    </div>
  );
}

function Doctor({ host }: { host: Host }) {
  const { t, format } = useLanguage();
  const now = useNow(30_000);
  const { diagnosis } = host;
  const fixable = diagnosis?.findings.filter(({ canFix }) => canFix === true).length ?? 0;
  return (
    <Panel
      title={t('host.doctor')}
      actions={
        <div className="row">
          {fixable > 0 && (
            <Button isSmall kind="primary" icon={Wrench} onPress={() => void attempt('host.fix', { host: host.name })}>
              {t('host.fix-all', { count: fixable })}
            </Button>
          )}
          <Button isSmall icon={Stethoscope} onPress={() => run('host.doctor', { pods: [], host })}>
            {diagnosis ? t('host.check-again') : t('command.host.doctor')}
          </Button>
        </div>
      }
    >
      {!diagnosis && <p className="quiet">{t('host.unchecked')}</p>}
      {diagnosis && (
        <div className="stack">
          <p className={`row ${diagnosis.isFit ? 'tone-good' : 'tone-bad'}`}>
            <ShieldCheck size={16} aria-hidden />
            <span className="strong">{diagnosis.isFit ? t('host.fit') : t('host.unfit')}</span>
            <span className="quiet small">{format.ago(diagnosis.atMs, now)}</span>
          </p>
          <Findings findings={diagnosis.findings} onFix={({ id }) => void attempt('host.fix', { host: host.name, finding: id })} />
        </div>
      )}
    </Panel>
  );
}

function HostFactsPanel({ host }: { host: Host }) {
  const { t, format } = useLanguage();
  const { facts, connection } = host;
  return (
    <Panel title={t('host.facts')}>
      {!facts && <p className="quiet">{t('host.no-facts')}</p>}
      {facts && (
        <Facts
          facts={[
            { label: t('fact.hostname'), value: facts.hostname },
            { label: t('fact.kernel'), value: `${facts.kernel} ${facts.arch}`, isMono: true },
            { label: t('fact.processor'), value: t('fact.cpus', { count: facts.cpus, model: facts.cpuModel }) },
            { label: t('pod.memory'), value: format.bytes(facts.memoryTotalBytes) },
            { label: t('fact.disk'), value: t('fact.free', { bytes: format.bytes(facts.diskFreeBytes) }) },
            { label: t('fact.criu'), value: facts.criuVersion ?? t('fact.missing') },
            { label: t('fact.addresses'), value: facts.addresses.join(', '), isMono: true },
            { label: t('fact.limits'), value: facts.limitControllers.join(', ') || t('fact.none') },
            ...(connection.kind === 'ready' ? [{ label: t('fact.helper'), value: connection.helperVersion }] : []),
          ]}
        />
      )}
    </Panel>
  );
}
