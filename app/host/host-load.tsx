/** How busy a host is: load and free memory, in one line. */
import { useCallback, useEffect, useRef } from 'react';
import type { Host, HostSample } from '../../main/contract';
import { useLanguage } from '../i18n/text';
import { hostSamples } from '../state/samples';
import { Sparkline } from '../ui/sparkline';

const loadOf = ({ loadAverage }: HostSample): number => loadAverage;

export function HostLoad({ host, isLarge = false }: { host: Host; isLarge?: boolean }) {
  const { t, format } = useLanguage();
  const { name, facts, connection } = host;
  const text = useRef<HTMLSpanElement>(null);
  const subscribe = useCallback((listener: () => void) => hostSamples.subscribe(name, listener), [name]);
  const values = useCallback(() => hostSamples.get(name).map(loadOf), [name]);
  const isReady = connection.kind === 'ready';
  useEffect(() => {
    if (!isReady) return undefined;
    const show = (): void => {
      const sample = hostSamples.last(name);
      if (!text.current) return;
      text.current.textContent = sample ? t('host.load-line', { load: format.number(sample.loadAverage, 2), free: format.bytes(sample.memoryFreeBytes) }) : t('host.no-load');
    };
    show();
    return subscribe(show);
  }, [name, subscribe, t, format, isReady]);
  if (!isReady) return <p className="host-load quiet small truncate">{connection.kind === 'failed' ? t('host.state.failed') : t(`host.state.${connection.kind}`)}</p>;
  return (
    <div className={`host-load quiet small${isLarge ? ' host-load-large' : ''}`}>
      <Sparkline className={isLarge ? 'chart' : 'spark'} subscribe={subscribe} values={values} top={facts?.cpus ?? 1} color="--accent" label={t('host.load')} span={isLarge ? 90 : 40} />
      <span ref={text} className="figures truncate" />
    </div>
  );
}
