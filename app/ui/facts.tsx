/** Pairs of name and value. */
import type { ReactNode } from 'react';

export interface Fact {
  label: string;
  value: ReactNode;
  isMono?: boolean;
}

export function Facts({ facts }: { facts: readonly Fact[] }) {
  return (
    <dl className="facts">
      {facts.map(({ label, value, isMono = false }) => (
        <div key={label} className="fact">
          <dt className="quiet">{label}</dt>
          <dd className={`selectable${isMono ? ' mono' : ''}`}>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

export function Panel({ title, actions, children }: { title: string; actions?: ReactNode; children: ReactNode }) {
  return (
    <section className="panel">
      <header className="panel-head">
        <h2 className="panel-title">{title}</h2>
        {actions}
      </header>
      {children}
    </section>
  );
}
