/** Findings of a plan or a diagnosis: blockers first, each with what to do. */
import type { FindingView } from '../../main/contract';
import { useText } from '../i18n/text';
import { severities } from './badge';
import { Button } from './button';

export function Findings({ findings, onFix }: { findings: readonly FindingView[]; onFix?: (finding: FindingView) => void }) {
  const t = useText();
  return (
    <ul className="findings">
      {findings.map((finding) => {
        const { tone, icon: Icon, label } = severities[finding.severity];
        return (
          <li key={`${finding.id} ${finding.message}`} className={`finding finding-${tone}`}>
            <Icon size={15} role="img" aria-label={t(label)} className={`tone-${tone}`} />
            <div className="grow selectable">
              <p>{finding.message}</p>
              {finding.hint !== undefined && <p className="quiet small">{finding.hint}</p>}
            </div>
            {onFix && finding.canFix === true && (
              <Button isSmall onPress={() => onFix(finding)}>
                {t('finding.fix')}
              </Button>
            )}
          </li>
        );
      })}
    </ul>
  );
}
