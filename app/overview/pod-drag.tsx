/** PODs carried from one host's column to another's. */
import { useMemo, type DragEvent } from 'react';
import { isTextDropItem, useDragAndDrop, type DragAndDropOptions } from 'react-aria-components';
import { useText } from '../i18n/text';
import { beginMove, pickUp, putDown } from '../move/begin-move';
import { desk } from '../state/desk';
import { world } from '../state/world';

const POD_TYPE = 'application/x-zap-pod';

/** A list of cards: what is dragged from it, and by keyboard what is dropped on it. */
export function useDrag(host: string, setOver: (isOver: boolean) => void) {
  const options = useMemo(() => dragOptions(host, setOver), [host, setOver]);
  return useDragAndDrop(options).dragAndDropHooks;
}

function dragOptions(host: string, setOver: (isOver: boolean) => void): DragAndDropOptions {
  return {
    getItems: (keys) => [...keys].map((key) => ({ [POD_TYPE]: String(key), 'text/plain': world.getState().pods[String(key)]?.name ?? '' })),
    getAllowedDropOperations: () => ['move'],
    acceptedDragTypes: [POD_TYPE],
    getDropOperation: () => (canTake(host) ? 'move' : 'cancel'),
    renderDragPreview: (items) => <DragPreview names={items.map((item) => item['text/plain'] ?? '')} />,
    onDragStart: ({ keys }) => pickUp([...keys].map(String)),
    onDragEnd: putDown,
    onDropEnter: () => setOver(true),
    onDropExit: () => setOver(false),
    onRootDrop: ({ items }) => {
      setOver(false);
      void Promise.all(items.filter(isTextDropItem).map((item) => item.getText(POD_TYPE))).then((pods) => beginMove(pods, host));
    },
  };
}

/**
 * Drops by mouse, taken before the list hears of them: it would render all of its cards whenever the pointer enters or leaves.
 *
 * The whole column takes them, its head as well. By keyboard the list is what is dropped on.
 */
export function usePointerDrop(host: string, setOver: (isOver: boolean) => void) {
  return useMemo(() => {
    const own = (event: DragEvent): boolean => {
      if (!desk.getState().carry) return false;
      event.stopPropagation();
      return true;
    };
    return {
      onDragEnterCapture: (event: DragEvent) => own(event) && setOver(canTake(host)),
      onDragOverCapture: (event: DragEvent) => {
        if (!own(event) || !canTake(host)) return;
        event.preventDefault();
        event.dataTransfer.dropEffect = 'move';
      },
      onDragLeaveCapture: (event: DragEvent<HTMLElement>) => {
        const isInside = event.relatedTarget instanceof Node && event.currentTarget.contains(event.relatedTarget);
        if (own(event) && !isInside) setOver(false);
      },
      onDropCapture: (event: DragEvent) => {
        const pods = desk.getState().carry?.pods;
        if (!own(event) || !pods) return;
        event.preventDefault();
        setOver(false);
        beginMove(pods, host);
      },
    };
  }, [host, setOver]);
}

/** A host that is impossible for the first POD takes none of them; the sheet says which of several can go. */
function canTake(host: string): boolean {
  const { carry } = desk.getState();
  const verdict = carry?.plans[host]?.verdict;
  if (verdict === 'impossible') return false;
  return carry?.pods.some((id) => world.getState().pods[id]?.host !== host) ?? true;
}

function DragPreview({ names }: { names: readonly string[] }) {
  const t = useText();
  return <div className="drag-preview">{names.length === 1 ? names[0] : t('overview.selected', { count: names.length })}</div>;
}
