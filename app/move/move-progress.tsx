/** A move while it runs: stages, bytes, rate, the clock of the pause, and Cancel until it can no longer be cancelled. */
import { Snowflake } from 'lucide-react';
import { useEffect, useRef } from 'react';
import type { Task, TaskProgress } from '../../main/contract';
import { run } from '../commands/run';
import { useLanguage } from '../i18n/text';
import { Button } from '../ui/button';
import { Progress } from '../ui/progress';
import { stageLabels, stageOf, stages } from './stages';

export function progressOf(task: Task): TaskProgress | undefined {
  return task.state.kind === 'running' || task.state.kind === 'cancelling' ? task.state.progress : undefined;
}

export function MoveProgress({ task, isGhost = false }: { task: Task; isGhost?: boolean }) {
  const { t, format } = useLanguage();
  const progress = progressOf(task);
  const stage = progress && stageOf(progress.phase);
  const label = !progress ? t('task.state.queued') : task.state.kind === 'cancelling' ? t('task.state.cancelling') : stage ? t(stageLabels[stage]) : progress.phase;
  const share = progress?.totalBytes !== undefined && progress.bytes !== undefined && progress.totalBytes > 0 ? progress.bytes / progress.totalBytes : undefined;
  const at = stage ? stages.indexOf(stage) : -1;
  return (
    <div className="move-progress">
      <div className="row">
        <span className="strong grow truncate">{label}</span>
        {progress?.frozenSinceMs !== undefined && <PauseClock sinceMs={progress.frozenSinceMs} />}
      </div>
      {task.kind === 'pod.move' || task.kind === 'pod.clone' ? (
        <div className="stages" aria-hidden>
          {stages.map((name, index) => (
            <span key={name} className={`stage${index < at ? ' stage-done' : index === at ? ' stage-now' : ''}`} style={index === at && share !== undefined ? { ['--share' as string]: share } : {}} />
          ))}
        </div>
      ) : (
        <Progress share={share} label={label} />
      )}
      <div className="row small quiet figures">
        {/* What has been sent matters no more when nothing can be taken back, and there is no room for both. */}
        <span className="grow truncate">
          {progress?.bytes !== undefined &&
            (isGhost || !progress.isCommitted) &&
            (progress.totalBytes === undefined ? format.bytes(progress.bytes) : t('move.bytes', { bytes: format.bytes(progress.bytes), total: format.bytes(progress.totalBytes) }))}
          {progress?.bytesPerSecond !== undefined && progress.bytesPerSecond > 0 && !progress.isCommitted && ` · ${format.rate(progress.bytesPerSecond)}`}
          {progress?.remainingMs !== undefined && progress.remainingMs > 1000 && !progress.isCommitted && ` · ${t('move.remaining', { time: format.duration(progress.remainingMs) })}`}
        </span>
        {!isGhost &&
          (progress?.isCommitted ? (
            <span>{t('move.committed')}</span>
          ) : (
            task.canCancel && (
              <Button isSmall kind="ghost" isDisabled={task.state.kind === 'cancelling'} onPress={() => run('task.cancel', { pods: [], task })}>
                {t('common.cancel')}
              </Button>
            )
          ))}
      </div>
    </div>
  );
}

/** Counts on its own, without rendering. */
export function PauseClock({ sinceMs }: { sinceMs: number }) {
  const { t, format } = useLanguage();
  const text = useRef<HTMLSpanElement>(null);
  useEffect(() => {
    let frame = 0;
    const tick = (): void => {
      if (text.current) text.current.textContent = format.pause(Math.max(0, Date.now() - sinceMs));
      frame = requestAnimationFrame(tick);
    };
    tick();
    return () => cancelAnimationFrame(frame);
  }, [sinceMs, format]);
  return (
    <span className="pause-clock figures" role="img" aria-label={t('move.paused')}>
      <Snowflake size={12} aria-hidden />
      <span ref={text} aria-hidden />
    </span>
  );
}
