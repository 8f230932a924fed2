/** Environments on a host, and those that can be built there. */
import { Hammer, Monitor, Package, SquareTerminal, Trash2 } from 'lucide-react';
import type { Host } from '../../main/contract';
import { attempt } from '../commands/operate';
import { useLanguage } from '../i18n/text';
import { isActive, selectTasks, useWorld } from '../state/selectors';
import { Badge } from '../ui/badge';
import { Button, IconButton } from '../ui/button';
import { Panel } from '../ui/facts';

export function HostEnvironments({ host }: { host: Host }) {
  const { t, format } = useLanguage();
  const recipes = useWorld((state) => state.recipes);
  const tasks = useWorld(selectTasks);
  const users = useWorld(({ pods }) => pods);
  const present = new Set(host.environments.flatMap(({ names }) => names));
  const buildable = recipes.filter(({ name }) => !present.has(name));
  const isBuilding = (name: string): boolean => tasks.some((task) => isActive(task) && task.kind === 'environment.build' && task.subject.host === host.name && task.subject.environment === name);
  return (
    <div className="page-grid page-grid-even">
      <Panel title={t('environment.here')}>
        {host.environments.length === 0 && <p className="quiet">{t('environment.none')}</p>}
        <ul className="rows">
          {host.environments.map((environment) => {
            const count = Object.values(users).filter((pod) => pod.host === host.name && pod.environment.digest === environment.digest).length;
            const Icon = environment.hasDisplay ? Monitor : SquareTerminal;
            return (
              <li key={environment.digest} className="row-item">
                <Icon size={17} className="quiet" aria-hidden />
                <div className="stack grow" style={{ gap: 1 }}>
                  <span className="strong truncate">{environment.names.join(', ') || environment.digest.slice(7, 19)}</span>
                  <span className="quiet small truncate">{environment.description}</span>
                </div>
                {count > 0 && <Badge tone="quiet">{t('environment.used', { count })}</Badge>}
                <span className="quiet small figures">{format.bytes(environment.sizeBytes)}</span>
                <IconButton isSmall icon={Trash2} label={t('environment.remove', { name: environment.names[0] ?? '' })} isDisabled={count > 0} onPress={() => void attempt('environment.remove', { host: host.name, environment: environment.digest })} />
              </li>
            );
          })}
        </ul>
      </Panel>
      <Panel title={t('environment.buildable')}>
        {buildable.length === 0 && <p className="quiet">{t('environment.all-built')}</p>}
        <ul className="rows">
          {buildable.map(({ name, description }) => (
            <li key={name} className="row-item">
              <Package size={17} className="quiet" aria-hidden />
              <div className="stack grow" style={{ gap: 1 }}>
                <span className="strong">{name}</span>
                <span className="quiet small">{description}</span>
              </div>
              <Button isSmall icon={Hammer} isDisabled={host.connection.kind !== 'ready' || isBuilding(name)} onPress={() => void attempt('environment.build', { host: host.name, recipe: name })}>
                {isBuilding(name) ? t('environment.building') : t('environment.build')}
              </Button>
            </li>
          ))}
        </ul>
      </Panel>
    </div>
  );
}
