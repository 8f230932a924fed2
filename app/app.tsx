/** The window: the way around at its side, a page, tasks below. */
import { useEffect } from 'react';
import { ContextMenu } from './commands/context-menu';
import { Palette } from './commands/palette';
import { useKeys } from './commands/use-keys';
import { Dialogs } from './dialogs';
import { LanguageProvider, useText } from './i18n/text';
import { Overview } from './overview/overview';
import { Prompts } from './prompts/prompt-dialog';
import { Sidebar } from './sidebar';
import { useDesk } from './state/desk';
import { useRoute, type Route } from './state/navigation';
import { useWorld } from './state/selectors';
import { StatusBar, TaskDrawer } from './tasks/drawer';
import { Notices } from './tasks/notices';
import { ErrorBoundary } from './ui/error-boundary';
import { later, loadTheRest } from './ui/later';
import { Progress } from './ui/progress';
import { useTheme } from './ui/theme';

const HostPage = later(async () => (await import('./host/host-page')).HostPage);
const PodPage = later(async () => (await import('./pod/pod-page')).PodPage);

export function App() {
  useTheme();
  return (
    <LanguageProvider>
      <Window />
    </LanguageProvider>
  );
}

function Window() {
  const isLoaded = useWorld((state) => state.isLoaded);
  const announcement = useDesk((state) => state.announcement);
  useKeys();
  return (
    <div className="window">
      <Sidebar />
      <main className="main" aria-busy={!isLoaded}>
        {isLoaded ? <Page /> : <Loading />}
      </main>
      <TaskDrawer />
      <StatusBar />
      <Dialogs />
      <Prompts />
      <Palette />
      <ContextMenu />
      <Notices />
      <div className="visually-hidden" role="status" aria-live="polite">
        {announcement}
      </div>
    </div>
  );
}

function Page() {
  const t = useText();
  const route = useRoute();
  const name = useWorld(({ pods }) => (route.page === 'pod' ? pods[route.pod]?.name : route.page === 'host' ? route.host : undefined));
  useEffect(() => {
    document.title = name === undefined ? t('app.name') : t('app.title', { page: name });
  }, [name, t]);
  useEffect(() => {
    performance.mark('usable');
    loadTheRest();
  }, []);
  return <ErrorBoundary key={subjectOf(route)}>{pageOf(route)}</ErrorBoundary>;
}

/** Another tab of the same page is no other page. */
function subjectOf(route: Route): string {
  return route.page === 'overview' ? '' : route.page === 'host' ? `host ${route.host}` : `pod ${route.pod}`;
}

function pageOf(route: Route) {
  switch (route.page) {
    case 'overview':
      return <Overview />;
    case 'host':
      return <HostPage key={route.host} name={route.host} tab={route.tab ?? 'pods'} />;
    case 'pod':
      return <PodPage key={route.pod} id={route.pod} tab={route.tab} />;
  }
}

function Loading() {
  const t = useText();
  return (
    <div className="loading">
      <Progress share={undefined} label={t('app.loading')} />
    </div>
  );
}
