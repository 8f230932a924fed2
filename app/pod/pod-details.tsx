/** Figures, network, limits and checkpoint of a POD. */
import { useEffect, useState } from 'react';
import type { PodDetails, PodView } from '../../main/contract';
import { call } from '../bridge/zap';
import { useLanguage } from '../i18n/text';
import { Facts, Panel } from '../ui/facts';
import { Findings } from '../ui/findings';
import { LiveFigures } from './live-figures';
import { StateNote } from './state-note';

export function PodDetailsTab({ pod }: { pod: PodView }) {
  const { t, format } = useLanguage();
  const details = useDetails(pod);
  const { limits, network, state } = pod;
  const usage = details?.usage;
  return (
    <div className="page-grid">
      <div className="stack">
        {state.kind === 'running' && (
          <Panel title={t('pod.load')}>
            <LiveFigures pod={pod.id} isLarge />
            {usage && (
              <Facts
                facts={[
                  { label: t('pod.processes'), value: t('pod.processes-value', { processes: usage.processes, threads: usage.threads }) },
                  { label: t('pod.layer'), value: t('pod.layer-value', { bytes: format.bytes(usage.layerBytes), files: usage.layerFiles }) },
                  { label: t('pod.connections'), value: format.number(usage.tcpConnections) },
                  { label: t('pod.cpu-time'), value: format.duration(usage.cpuSeconds * 1000) },
                ]}
              />
            )}
          </Panel>
        )}
        {details && details.findings.length > 0 && (
          <Panel title={t('pod.findings')}>
            <Findings findings={details.findings} />
          </Panel>
        )}
        {state.kind !== 'running' && (
          <Panel title={state.kind === 'suspended' ? t('pod.checkpoint') : t('list.state')}>
            <StateNote pod={pod} />
            {state.kind === 'suspended' && (
              <Facts
                facts={[
                  { label: t('pod.suspended-at'), value: format.time(Date.parse(state.at)) },
                  { label: t('pod.size'), value: format.bytes(state.sizeBytes) },
                ]}
              />
            )}
          </Panel>
        )}
      </div>
      <div className="stack">
        <Panel title={t('pod.network')}>
          <Facts
            facts={[
              { label: t('pod.profile'), value: t(`network.${network.profile}`) },
              { label: t('list.address'), value: network.profile === 'lan' ? `${network.address}/${network.prefixLength}` : (pod.address ?? t('fact.none')), isMono: true },
              ...(network.profile === 'lan' && network.gateway !== undefined ? [{ label: t('pod.gateway'), value: network.gateway, isMono: true }] : []),
              { label: t('pod.mac'), value: pod.mac, isMono: true },
            ]}
          />
        </Panel>
        <Panel title={t('pod.limits')}>
          <Facts
            facts={[
              { label: t('pod.memory'), value: limits.memoryBytes === undefined ? t('pod.unlimited') : format.bytes(limits.memoryBytes) },
              { label: t('pod.processors'), value: limits.cpus === undefined ? t('pod.unlimited') : format.number(limits.cpus, 1) },
              { label: t('pod.processes'), value: limits.pids === undefined ? t('pod.unlimited') : format.number(limits.pids) },
            ]}
          />
        </Panel>
        <Panel title={t('pod.identity')}>
          <Facts
            facts={[
              { label: t('list.environment'), value: pod.environment.name },
              { label: t('pod.owner'), value: pod.owner },
              { label: t('pod.created'), value: format.time(Date.parse(pod.createdAt)) },
              { label: t('pod.id'), value: pod.id, isMono: true },
              ...(details?.command ? [{ label: t('pod.command'), value: details.command.join(' '), isMono: true }] : []),
            ]}
          />
        </Panel>
      </div>
    </div>
  );
}

const REFRESH_MS = 5000;

function useDetails(pod: PodView): PodDetails | undefined {
  const [details, setDetails] = useState<PodDetails>();
  useEffect(() => {
    let isCurrent = true;
    const ask = (): void => {
      call('pod.show', { pod: pod.id }).then(
        (answer) => isCurrent && setDetails(answer),
        () => {}, // the page shows what the overview knows
      );
    };
    ask();
    const timer = setInterval(ask, REFRESH_MS);
    return () => {
      isCurrent = false;
      clearInterval(timer);
    };
  }, [pod.id, pod.host, pod.state.kind]);
  return details;
}
