/** What a move will do, before it does: both hosts are asked, and nothing has been touched yet. */
import { ArrowRight, Gauge, HardDriveDownload, Package, Timer, Zap } from 'lucide-react';
import { useEffect, useState, type ReactNode } from 'react';
import type { Failure, Plan } from '../../main/contract';
import { call, failureOf } from '../bridge/zap';
import { attempt } from '../commands/operate';
import { useLanguage, useText } from '../i18n/text';
import { closeDialog } from '../state/desk';
import { useWorld } from '../state/selectors';
import { Button } from '../ui/button';
import { Sheet } from '../ui/dialog';
import { Checkbox } from '../ui/field';
import { Findings } from '../ui/findings';
import { useHostLabel } from '../ui/host-label';
import { Progress } from '../ui/progress';
import { startMoves } from './begin-move';
import { bytesOf } from './describe';

type Answer = { pod: string; plan: Plan } | { pod: string; error: Failure };

export function PlanSheet({ pods, to }: { pods: readonly string[]; to: string }) {
  const { t } = useLanguage();
  const known = useWorld((state) => state.pods);
  const skips = useWorld(({ settings }) => settings.skipsPlan);
  const [answers, setAnswers] = useState<Answer[]>();
  const [resumes, setResumes] = useState(false);
  const [keepsMemory, setKeepsMemory] = useState(false);
  const [skipsNext, setSkipsNext] = useState(skips);
  const first = known[pods[0]!];
  useEffect(() => {
    let isCurrent = true;
    const ask = async (pod: string): Promise<Answer> => call('pod.plan', { pod, to }).then((plan) => ({ pod, plan }), (error: unknown) => ({ pod, error: failureOf(error) }));
    void Promise.all(pods.map(ask)).then((all) => isCurrent && setAnswers(all));
    return () => {
      isCurrent = false;
    };
  }, [pods, to]);
  if (!first) return null;
  const plans = answers?.flatMap((answer) => ('plan' in answer ? [answer.plan] : [])) ?? [];
  const movable = plans.filter(({ verdict }) => verdict === 'ready' || verdict === 'warnings');
  const hasWarning = plans.some(({ verdict }) => verdict !== 'ready') || plans.length < pods.length;
  const isSuspended = pods.some((id) => known[id]?.state.kind === 'suspended');
  const move = (): void => {
    startMoves(movable.map(({ pod }) => pod), to, { resumes, ...(keepsMemory ? { keepsMemory } : {}) });
    if (skipsNext !== skips) void attempt('settings.change', { skipsPlan: skipsNext });
    closeDialog();
  };
  return (
    <Sheet
      title={pods.length === 1 ? t('plan.title', { pod: first.name, host: to }) : t('plan.title-many', { count: pods.length, host: to })}
      onClose={closeDialog}
      actions={
        <>
          <div className="grow">
            <Checkbox isSelected={skipsNext} onChange={setSkipsNext}>
              {t('plan.skip')}
            </Checkbox>
          </div>
          <Button onPress={closeDialog} autoFocus={answers !== undefined && hasWarning}>
            {t('common.cancel')}
          </Button>
          {/* A new key once the answers are there: only then it takes the focus, and only without a warning. */}
          <Button key={answers ? 'answered' : 'asking'} kind="primary" isDisabled={movable.length === 0} autoFocus={answers !== undefined && !hasWarning} onPress={move}>
            {movable.length > 0 && movable.length < pods.length ? t('plan.move-some', { count: movable.length }) : t('plan.move')}
          </Button>
        </>
      }
    >
      <Route from={first.host} to={to} />
      {!answers && <Asking label={t('plan.asking', { from: first.host, to })} />}
      {answers && (
        <>
          {movable.length > 0 && <Figures plans={movable} />}
          {isSuspended && (
            <Checkbox isSelected={resumes} onChange={setResumes}>
              {t('plan.resume', { host: to })}
            </Checkbox>
          )}
          {movable.some(({ mode }) => mode === 'live') && (
            <Checkbox isSelected={keepsMemory} onChange={setKeepsMemory}>
              {pods.length === 1 ? t('plan.keep-memory', { host: first.host }) : t('plan.keep-memory-many')}
            </Checkbox>
          )}
          {answers.map((answer) => (
            <Verdict key={answer.pod} answer={answer} name={known[answer.pod]?.name ?? ''} isNamed={pods.length > 1} />
          ))}
        </>
      )}
    </Sheet>
  );
}

function Asking({ label }: { label: string }) {
  return (
    <div className="stack plan-asking" role="status">
      <Progress share={undefined} label={label} />
      <p className="quiet small">{label}</p>
    </div>
  );
}

function Route({ from, to }: { from: string; to: string }) {
  const labelOf = useHostLabel();
  return (
    <div className="route">
      <span className="route-host truncate">{labelOf(from)}</span>
      <span className="route-line" aria-hidden />
      <ArrowRight size={16} className="route-arrow" aria-hidden />
      <span className="route-host route-target truncate">{labelOf(to)}</span>
    </div>
  );
}

function Figures({ plans }: { plans: readonly Plan[] }) {
  const { t, format } = useLanguage();
  const isLive = plans.some(({ mode }) => mode === 'live');
  const bytes = plans.reduce((sum, plan) => sum + (bytesOf(plan) ?? 0), 0);
  const environment = plans.reduce((most, { predictedBytes }) => Math.max(most, predictedBytes?.environment ?? 0), 0);
  const pause = Math.max(...plans.map(({ predictedDowntimeMs }) => predictedDowntimeMs ?? 0));
  const totalMs = plans.reduce((sum, plan) => sum + (plan.predictedTotalMs ?? 0), 0); // one after the other
  return (
    <div className="figures-row">
      <Figure icon={<Zap size={15} aria-hidden />} label={t('plan.mode')} value={isLive ? t('move.live') : t('move.stored')} />
      {isLive && pause > 0 && <Figure icon={<Gauge size={15} aria-hidden />} label={plans.length > 1 ? t('plan.longest-pause') : t('plan.pause')} value={t('plan.about', { value: format.pause(pause) })} />}
      {totalMs > 0 && <Figure icon={<Timer size={15} aria-hidden />} label={t('plan.total')} value={t('plan.about', { value: format.pause(totalMs) })} />}
      {bytes > 0 && <Figure icon={<HardDriveDownload size={15} aria-hidden />} label={t('plan.data')} value={format.bytes(bytes)} />}
      {environment > 0 && <Figure icon={<Package size={15} aria-hidden />} label={t('plan.environment')} value={format.bytes(environment)} />}
    </div>
  );
}

function Figure({ icon, label, value }: { icon: ReactNode; label: string; value: string }) {
  return (
    <div className="figure">
      <span className="row quiet small">
        {icon}
        {label}
      </span>
      <span className="figure-value figures">{value}</span>
    </div>
  );
}

function Verdict({ answer, name, isNamed }: { answer: Answer; name: string; isNamed: boolean }) {
  const t = useText();
  const isUnknown = 'plan' in answer && answer.plan.verdict === 'unknown';
  const findings = 'plan' in answer ? answer.plan.findings : [{ id: answer.error.code, severity: 'blocker' as const, message: answer.error.message, ...(answer.error.hint === undefined ? {} : { hint: answer.error.hint }) }];
  if (isNamed && findings.length === 0) return null;
  return (
    <section className="stack">
      {isNamed && <h3 className="section-title">{name}</h3>}
      {findings.length > 0 ? <Findings findings={findings} /> : <p className={isUnknown ? 'quiet' : 'all-clear'}>{t(isUnknown ? 'move.unknown' : 'plan.clear')}</p>}
    </section>
  );
}
