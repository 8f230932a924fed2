/** What can be done with a desktop on screen. In full screen it hides at the upper edge, but for the way out. */
import { ClipboardCheck, ClipboardX, Eye, Keyboard, Maximize, Minimize, Scaling, Shrink } from 'lucide-react';
import type { LucideIcon } from 'lucide-react';
import { ToggleButton, Toolbar } from 'react-aria-components';
import { useText } from '../i18n/text';
import { Button, IconButton } from '../ui/button';
import { releaseKeys } from './release';

export interface DesktopBarProps {
  isFull: boolean;
  isScaled: boolean;
  isViewOnly: boolean;
  sharesClipboard: boolean;
  isOpen: boolean;
  onFullscreen: () => void;
  onScale: () => void;
  onViewOnly: () => void;
  onClipboard: () => void;
  onCtrlAltDel: () => void;
}

export function DesktopBar(props: DesktopBarProps) {
  const t = useText();
  return (
    <Toolbar className="desktop-bar" aria-label={t('desktop.toolbar')}>
      <Toggle icon={props.isScaled ? Scaling : Shrink} label={t(props.isScaled ? 'desktop.fit' : 'desktop.actual')} isOn={props.isScaled} onChange={props.onScale} />
      <Toggle icon={Eye} label={t('desktop.view-only')} isOn={props.isViewOnly} onChange={props.onViewOnly} />
      <Toggle icon={props.sharesClipboard ? ClipboardCheck : ClipboardX} label={t(props.sharesClipboard ? 'desktop.clipboard-on' : 'desktop.clipboard')} isOn={props.sharesClipboard} onChange={props.onClipboard} />
      <IconButton icon={Keyboard} label={t('desktop.ctrl-alt-del')} isDisabled={!props.isOpen || props.isViewOnly} onPress={props.onCtrlAltDel} />
      <span className="grow" />
      {props.isFull ? (
        <Button icon={Minimize} kind="primary" onPress={props.onFullscreen}>
          {t('desktop.leave-fullscreen')} <kbd>{releaseKeys}</kbd>
        </Button>
      ) : (
        <IconButton icon={Maximize} label={t('desktop.fullscreen')} onPress={props.onFullscreen} />
      )}
    </Toolbar>
  );
}

function Toggle({ icon: Icon, label, isOn, onChange }: { icon: LucideIcon; label: string; isOn: boolean; onChange: () => void }) {
  return (
    <ToggleButton className="icon-button desktop-toggle" aria-label={label} isSelected={isOn} onChange={onChange} render={(attributes) => <button {...attributes} title={label} />}>
      <Icon size={16} aria-hidden />
    </ToggleButton>
  );
}
