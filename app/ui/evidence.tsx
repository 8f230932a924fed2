/** The lines of a log that show a cause, one click away; the most telling stand last. */
import { ChevronRight } from 'lucide-react';
import { Button, Disclosure, DisclosurePanel, Heading } from 'react-aria-components';
import { useText } from '../i18n/text';

export function Evidence({ lines }: { lines: readonly string[] | undefined }) {
  const t = useText();
  if (!lines || lines.length === 0) return null;
  return (
    <Disclosure className="evidence">
      <Heading className="evidence-head">
        <Button slot="trigger" className="evidence-toggle">
          <ChevronRight size={14} aria-hidden />
          {t('common.evidence', { count: lines.length })}
        </Button>
      </Heading>
      <DisclosurePanel>
        <pre className="log log-short mono selectable" tabIndex={0}>
          {lines.join('\n')}
        </pre>
      </DisclosurePanel>
    </Disclosure>
  );
}
