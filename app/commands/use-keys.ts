/** Listens for the registry's keys in the whole window. */
import { useEffect } from 'react';
import { desk } from '../state/desk';
import { commandFor, mayAct } from './keys';
import { run } from './run';

export function useKeys(): void {
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent): void => {
      if (event.defaultPrevented || event.isComposing || desk.getState().carry) return;
      if (!mayAct(event, event.target instanceof Element ? event.target : null)) return;
      const id = commandFor(event);
      if (!id) return;
      const { dialog, palette } = desk.getState();
      if (dialog !== undefined || (palette === 'open' && id !== 'app.palette')) return; // what is open is in front
      event.preventDefault();
      run(id);
    };
    window.addEventListener('keydown', onKeyDown);
    return () => window.removeEventListener('keydown', onKeyDown);
  }, []);
}
