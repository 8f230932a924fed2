/** Buttons. One primary per surface; icons alone always have a name and a tooltip. */
import type { LucideIcon } from 'lucide-react';
import type { ReactNode } from 'react';
import { Button as AriaButton, OverlayArrow, Tooltip, TooltipTrigger, type ButtonProps as AriaButtonProps } from 'react-aria-components';

export type ButtonKind = 'primary' | 'plain' | 'ghost' | 'danger';

export interface ButtonProps extends Omit<AriaButtonProps, 'children' | 'className'> {
  kind?: ButtonKind;
  icon?: LucideIcon | undefined;
  isSmall?: boolean;
  children: ReactNode;
}

export function Button({ kind = 'plain', icon: Icon, isSmall = false, children, ...props }: ButtonProps) {
  return (
    <AriaButton {...props} className={`button button-${kind}${isSmall ? ' button-small' : ''}`}>
      {Icon && <Icon size={isSmall ? 14 : 15} strokeWidth={2} aria-hidden />}
      <span className="button-label">{children}</span>
    </AriaButton>
  );
}

export interface IconButtonProps extends Omit<AriaButtonProps, 'children' | 'className' | 'aria-label'> {
  icon: LucideIcon;
  label: string;
  /** The key that does the same, shown in the tooltip. */
  keys?: string | undefined;
  isSmall?: boolean;
  className?: string;
}

export function IconButton({ icon: Icon, label, keys, isSmall = false, className = '', ...props }: IconButtonProps) {
  return (
    <TooltipTrigger delay={500} closeDelay={60}>
      <AriaButton {...props} aria-label={label} className={`icon-button${isSmall ? ' icon-button-small' : ''} ${className}`}>
        <Icon size={isSmall ? 14 : 16} strokeWidth={2} aria-hidden />
      </AriaButton>
      <Tip label={label} keys={keys} />
    </TooltipTrigger>
  );
}

export function Tip({ label, keys }: { label: string; keys?: string | undefined }) {
  return (
    <Tooltip className="tip" offset={8}>
      <OverlayArrow>
        <svg width={8} height={4} viewBox="0 0 8 4" aria-hidden>
          <path d="M0 0 L4 4 L8 0" />
        </svg>
      </OverlayArrow>
      {label}
      {keys && <kbd>{keys}</kbd>}
    </Tooltip>
  );
}
