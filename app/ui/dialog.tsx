/** A sheet over the window: title, content, actions at its foot. Escape and a click outside close it unless it must be answered. */
import { X } from 'lucide-react';
import type { ReactNode } from 'react';
import { Dialog, Heading, Modal, ModalOverlay } from 'react-aria-components';
import { useText } from '../i18n/text';
import { Button, IconButton } from './button';

export interface SheetProps {
  title: ReactNode;
  children: ReactNode;
  actions?: ReactNode;
  size?: 'small' | 'medium' | 'large';
  onClose: () => void;
  /** It is a question that must be answered. */
  mustAnswer?: boolean;
  /** Nothing in it takes the focus, so it does itself, to be scrolled by keys. */
  isText?: boolean;
}

export function Sheet({ title, children, actions, size = 'medium', onClose, mustAnswer = false, isText = false }: SheetProps) {
  const t = useText();
  return (
    <ModalOverlay className="scrim" isOpen onOpenChange={(isOpen) => !isOpen && onClose()} isDismissable={!mustAnswer} isKeyboardDismissDisabled={mustAnswer}>
      <Modal className={`sheet sheet-${size}`}>
        <Dialog className="sheet-dialog" role={mustAnswer ? 'alertdialog' : 'dialog'}>
          <header className="sheet-head">
            <Heading slot="title" className="sheet-title">
              {title}
            </Heading>
            {!mustAnswer && <IconButton icon={X} label={t('common.close')} onPress={onClose} />}
          </header>
          <div className="sheet-body" {...(isText ? { tabIndex: 0 } : {})}>
            {children}
          </div>
          {actions && <footer className="sheet-foot">{actions}</footer>}
        </Dialog>
      </Modal>
    </ModalOverlay>
  );
}

export interface QuestionProps extends Omit<SheetProps, 'actions' | 'mustAnswer' | 'isText'> {
  /** On the button that does it. */
  answer: string;
  onAnswer: () => void;
  isDangerous?: boolean;
  isDisabled?: boolean;
  /** Where a press of Enter too many must do no harm. */
  isCancelFocused?: boolean;
}

/** A sheet that does one thing, or is left. */
export function Question({ answer, onAnswer, isDangerous = false, isDisabled = false, isCancelFocused = false, ...sheet }: QuestionProps) {
  const t = useText();
  return (
    <Sheet
      {...sheet}
      actions={
        <>
          <Button autoFocus={isCancelFocused} onPress={sheet.onClose}>
            {t('common.cancel')}
          </Button>
          <Button kind={isDangerous ? 'danger' : 'primary'} isDisabled={isDisabled} onPress={onAnswer}>
            {answer}
          </Button>
        </>
      }
    />
  );
}
