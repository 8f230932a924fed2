/** CPU and memory of a POD, now and over the last minutes. The text is written in place: no render a second for each card. */
import { memo, useCallback, useEffect, useRef } from 'react';
import type { PodSample } from '../../main/contract';
import { useLanguage } from '../i18n/text';
import { podSamples } from '../state/samples';
import { Sparkline } from '../ui/sparkline';

const cpuOf = ({ cpuShare }: PodSample): number => cpuShare;
const memoryOf = ({ memoryBytes }: PodSample): number => memoryBytes;

export const LiveFigures = memo(function LiveFigures({ pod, isLarge = false }: { pod: string; isLarge?: boolean }) {
  const { t, format } = useLanguage();
  return (
    <div className={`live-figures${isLarge ? ' live-large' : ''}`}>
      <Live pod={pod} read={cpuOf} write={format.percent} top={1} color="--accent" label={t('pod.cpu')} />
      <Live pod={pod} read={memoryOf} write={format.bytes} top={64e6} color="--good" label={t('pod.memory')} />
    </div>
  );
});

interface LiveProps {
  pod: string;
  read: (sample: PodSample) => number;
  write: (value: number) => string;
  top: number;
  color: string;
  label: string;
}

function Live({ pod, read, write, top, color, label }: LiveProps) {
  const subscribe = useCallback((listener: () => void) => podSamples.subscribe(pod, listener), [pod]);
  const values = useCallback(() => podSamples.get(pod).map(read), [pod, read]);
  return (
    <span className="live">
      <span className="live-label">{label}</span>
      <Sparkline subscribe={subscribe} values={values} top={top} color={color} label={label} />
      <LiveText pod={pod} read={read} write={write} />
    </span>
  );
}

export function LiveText({ pod, read, write }: Pick<LiveProps, 'pod' | 'read' | 'write'>) {
  const text = useRef<HTMLSpanElement>(null);
  useEffect(() => {
    const show = (): void => {
      const sample = podSamples.last(pod);
      const shown = sample ? write(read(sample)) : '–';
      if (text.current && text.current.textContent !== shown) text.current.textContent = shown;
    };
    show();
    return podSamples.subscribe(pod, show);
  }, [pod, read, write]);
  return <span ref={text} className="live-value figures" />;
}
