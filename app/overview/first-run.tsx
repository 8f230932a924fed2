/** The first thing people see: the hosts they have already, and how to go on. */
import { ArrowRight, MonitorSmartphone, Plus, Server } from 'lucide-react';
import { useState } from 'react';
import { Checkbox, CheckboxGroup } from 'react-aria-components';
import { attempt } from '../commands/operate';
import { run } from '../commands/run';
import { useText } from '../i18n/text';
import { selectHostNames, useWorld } from '../state/selectors';
import { Button } from '../ui/button';
import { hostNameOf } from '../host/host-name';

export function FirstRun() {
  const t = useText();
  const suggestions = useWorld((state) => state.suggestions);
  const names = useWorld(selectHostNames);
  const [chosen, setChosen] = useState<string[]>([]);
  const add = (): void => {
    for (const alias of chosen) void attempt('host.add', { host: hostNameOf(alias), destination: alias });
  };
  return (
    <div className="page first-run">
      <div className="first-run-body">
        <span className="logo-large" aria-hidden>
          <MonitorSmartphone size={30} strokeWidth={1.6} />
        </span>
        <h1 className="hero-title">{t('first.title')}</h1>
        <p className="hero-text quiet">{t('first.text')}</p>
        {suggestions.length > 0 ? (
          <CheckboxGroup className="suggestions" aria-label={t('first.suggestions')} value={chosen} onChange={setChosen}>
            <p className="section-title">{t('first.suggestions')}</p>
            {suggestions.map(({ alias, address, jumps }) => (
              <Checkbox key={alias} value={alias} className="suggestion">
                <span className="checkbox-box" aria-hidden>
                  <span className="checkbox-tick" />
                </span>
                <Server size={16} aria-hidden />
                <span className="stack grow" style={{ gap: 0 }}>
                  <span className="strong truncate">{alias}</span>
                  <span className="quiet small mono truncate">{jumps.length > 0 ? t('host.through', { address, jumps: jumps.join(', ') }) : address}</span>
                </span>
              </Checkbox>
            ))}
          </CheckboxGroup>
        ) : (
          <p className="quiet">{t('first.none')}</p>
        )}
        <div className="row first-actions">
          {suggestions.length > 0 && (
            <Button kind="primary" icon={ArrowRight} isDisabled={chosen.length === 0} onPress={add}>
              {t('first.add', { count: chosen.length })}
            </Button>
          )}
          <Button kind={suggestions.length === 0 ? 'primary' : 'plain'} icon={Plus} onPress={() => run('host.add')}>
            {t('first.other')}
          </Button>
          {names.length > 0 && (
            <Button kind="ghost" onPress={() => run('pod.create')}>
              {t('first.here')}
            </Button>
          )}
        </div>
      </div>
    </div>
  );
}
