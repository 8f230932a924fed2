/** The way around: overview, hosts, PODs that were opened last. */
import { Command, LayoutGrid, Plus, Server, Settings2, Zap } from 'lucide-react';
import { run } from './commands/run';
import { formatKeys } from './commands/keys';
import { useText } from './i18n/text';
import { useRoute, type Route } from './state/navigation';
import { selectHostNames, selectPodsByHost, useWorld } from './state/selectors';
import { HostDot } from './ui/badge';
import { Button, IconButton } from './ui/button';
import { hostLabel } from './ui/host-label';

export function Sidebar() {
  const t = useText();
  const route = useRoute();
  const names = useWorld(selectHostNames);
  return (
    <nav className="sidebar" aria-label={t('sidebar.label')}>
      <div className="brand">
        <span className="brand-mark" aria-hidden>
          <Zap size={14} strokeWidth={2.5} />
        </span>
        <span className="brand-name">{t('app.name')}</span>
      </div>
      <Button icon={Command} onPress={() => run('app.palette')} kind="plain">
        <span className="palette-hint">
          {t('sidebar.palette')}
          <kbd>{formatKeys('Mod+K')}</kbd>
        </span>
      </Button>
      <a className={`nav-item${route.page === 'overview' ? ' nav-here' : ''}`} href="#/" aria-current={route.page === 'overview' ? 'page' : undefined}>
        <LayoutGrid size={15} aria-hidden />
        {t('command.app.overview')}
      </a>
      <div className="nav-head row">
        <h2 className="section-title grow">{t('sidebar.hosts')}</h2>
        <IconButton isSmall icon={Plus} label={t('command.host.add')} onPress={() => run('host.add')} />
      </div>
      <ul className="nav-list">
        {names.map((name) => (
          <HostItem key={name} name={name} route={route} />
        ))}
        {names.length === 0 && (
          <li className="quiet small nav-none">
            <Server size={14} aria-hidden /> {t('sidebar.no-hosts')}
          </li>
        )}
      </ul>
      <Button kind="ghost" icon={Settings2} onPress={() => run('app.settings')}>
        {t('command.app.settings')}
      </Button>
    </nav>
  );
}

function HostItem({ name, route }: { name: string; route: Route }) {
  const t = useText();
  const host = useWorld(({ hosts }) => hosts[name]);
  const count = useWorld((state) => selectPodsByHost(state)[name]?.length ?? 0);
  const openPod = useWorld(({ pods }) => (route.page === 'pod' ? pods[route.pod] : undefined));
  if (!host) return null;
  const isHere = route.page === 'host' && route.host === name;
  return (
    <li>
      <a className={`nav-item${isHere ? ' nav-here' : ''}`} href={`#/host/${encodeURIComponent(name)}`} aria-current={isHere ? 'page' : undefined}>
        <HostDot host={host} />
        <span className="truncate grow">{hostLabel(name, t)}</span>
        {count > 0 && <span className="count figures">{count}</span>}
      </a>
      {openPod?.host === name && (
        <a className="nav-item nav-sub nav-here" href={`#/pod/${openPod.id}`} aria-current="page">
          <span className="truncate">{openPod.name}</span>
        </a>
      )}
    </li>
  );
}
