/** A page that cannot be shown says so, and leaves the rest of the window usable; the services go on in any case. */
import { Bug, RotateCw } from 'lucide-react';
import { Component, type ReactNode } from 'react';
import { useText } from '../i18n/text';
import { Button } from './button';
import { Empty } from './empty';

export class ErrorBoundary extends Component<{ children: ReactNode }, { error: Error | undefined }> {
  override state = { error: undefined as Error | undefined };

  static getDerivedStateFromError(error: Error): { error: Error } {
    return { error };
  }

  override render(): ReactNode {
    const { error } = this.state;
    return error ? <Broken error={error} /> : this.props.children;
  }
}

function Broken({ error }: { error: Error }) {
  const t = useText();
  return (
    <Empty
      icon={Bug}
      title={t('app.broken')}
      actions={
        <Button kind="primary" icon={RotateCw} onPress={() => window.location.reload()}>
          {t('app.reload')}
        </Button>
      }
    >
      {t('app.broken-text', { message: error.message })}
    </Empty>
  );
}
