/** "Move to…": every host with its plan in one line; those that cannot take it are dimmed and say why. */
import { useEffect, useState } from 'react';
import { ListBox, ListBoxItem } from 'react-aria-components';
import { useLanguage } from '../i18n/text';
import { closeDialog } from '../state/desk';
import { selectHostNames, useWorld } from '../state/selectors';
import { Sheet } from '../ui/dialog';
import { hostLabel } from '../ui/host-label';
import { beginMove, followPlans, type PlansByHost } from './begin-move';
import { planLine } from './describe';
import { VerdictIcon } from './verdict';

export function MoveDialog({ pods }: { pods: readonly string[] }) {
  const language = useLanguage();
  const { t } = language;
  const first = useWorld((state) => state.pods[pods[0]!]);
  const names = useWorld(selectHostNames);
  const plans = usePlans(pods[0]!);
  if (!first) return null;
  const items = names.filter((name) => name !== first.host || pods.length > 1).map((name) => ({ name, plan: plans?.[name] }));
  return (
    <Sheet title={pods.length === 1 ? t('move.title', { pod: first.name }) : t('move.title-many', { count: pods.length })} onClose={closeDialog}>
      <ListBox
        className="host-list"
        aria-label={t('move.hosts')}
        items={items}
        dependencies={[plans]}
        selectionMode="none"
        autoFocus="first"
        disabledKeys={items.filter(({ plan }) => plan?.verdict === 'impossible').map(({ name }) => name)}
        onAction={(key) => beginMove(pods, String(key))}
      >
        {({ name, plan }) => (
          <ListBoxItem id={name} textValue={hostLabel(name, t)} className={`host-option verdict-${plan?.verdict ?? 'unknown'}`}>
            <VerdictIcon verdict={plan?.verdict ?? 'unknown'} />
            <span className="stack grow" style={{ gap: 1 }}>
              <span className="strong truncate">{hostLabel(name, t)}</span>
              <span className="quiet small">{plan ? planLine(plan, language) : t('move.asking')}</span>
            </span>
          </ListBoxItem>
        )}
      </ListBox>
    </Sheet>
  );
}

export function usePlans(pod: string): PlansByHost | undefined {
  const [plans, setPlans] = useState<PlansByHost>();
  useEffect(() => {
    let isWanted = true;
    void followPlans(pod, setPlans, () => isWanted);
    return () => {
      isWanted = false;
    };
  }, [pod]);
  return plans;
}
