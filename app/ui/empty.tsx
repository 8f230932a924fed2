/** Nothing here yet: what this is, and the next step. */
import type { LucideIcon } from 'lucide-react';
import type { ReactNode } from 'react';

export function Empty({ icon: Icon, title, children, actions }: { icon: LucideIcon; title: string; children?: ReactNode; actions?: ReactNode }) {
  return (
    <div className="empty">
      <span className="empty-icon">
        <Icon size={22} strokeWidth={1.75} aria-hidden />
      </span>
      <h2 className="empty-title">{title}</h2>
      {children !== undefined && <p className="quiet empty-text">{children}</p>}
      {actions !== undefined && <div className="row empty-actions">{actions}</div>}
    </div>
  );
}
