/** The one dialog that is open. */
import { useDesk } from './state/desk';
import { later } from './ui/later';

const OpenDialog = later(async () => (await import('./open-dialog')).OpenDialog);

export function Dialogs() {
  const dialog = useDesk((state) => state.dialog);
  return dialog ? <OpenDialog dialog={dialog} /> : null;
}
