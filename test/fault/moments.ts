/**
 * The named moments of each operation, on either side, as helpers pass them (`reach` in helper/system/fault-point.ts).
 * A moment that does not come is told, and counts as no fault.
 */
export type Operation = 'move' | 'move-undone' | 'move-stored' | 'resume-elsewhere' | 'clone' | 'suspend' | 'resume' | 'delete' | 'create';
/** A person cancels it there: the target has all of the POD, and has not said so. */
export const cancelledAt = 'target did: journal restored';
/** These start from a POD that is suspended. */
export const startsSuspended = (operation: Operation): boolean => operation === 'resume' || operation === 'move-stored' || operation === 'resume-elsewhere';
/** The POD is to be on another host afterwards. */
export const leaves = (operation: Operation): boolean => operation.startsWith('move') || operation === 'resume-elsewhere';
export type Side = 'source' | 'target';

export interface Moment {
  side: Side;
  name: string;
  /** The POD's processes stand still, or are gone, at the source. */
  isFrozen?: true;
  /** Not all of its memory is with the target. */
  isUnsent?: true;
  /** A CRIU of this side is at work or waits. */
  hasCriu?: true;
  /** The target's copy is complete, or lives. */
  isRestored?: true;
  /** It lives at the target, and the source has heard so or is gone. */
  isOver?: true;
}

const source = (name: string, more: Omit<Moment, 'side' | 'name'> = {}): Moment => ({ side: 'source', name, ...more });
const target = (name: string, more: Omit<Moment, 'side' | 'name'> = {}): Moment => ({ side: 'target', name, ...more });
const frozen = { isFrozen: true } as const;
const held = { isFrozen: true, hasCriu: true } as const;
const restored = { isFrozen: true, isRestored: true } as const;
const over = { isFrozen: true, isRestored: true, isOver: true } as const;

const beforeTheFreeze: Moment[] = [
  source('source: offer'), target('target: files'), source('source: files'), source('source: memory'), target('target: memory'), source('source: find watched files'), source('source: detach viewers', { hasCriu: true }),
  source('source: files again', { hasCriu: true }), source('source: prepare target', { hasCriu: true }), target('target: prepare'), target('target: receive memory', { hasCriu: true }),
];
const whileFrozen: Moment[] = [
  source('source: frozen', { ...held, isUnsent: true }), source('source: dumped', { ...held, isUnsent: true }), source('source: send memory', { ...held, isUnsent: true }), source('source: send last files', held), target('target: receive last files', frozen), target('target: make processes', { ...frozen, hasCriu: true }),
];

const theCommit: Moment[] = [
  source('source: restore', held), target('journal target restored', frozen), target('target did: journal restored', restored), target('target did: say restored', restored),
  source('source did: freeze', { ...restored, hasCriu: true }), source('journal source committed', { ...restored, hasCriu: true }), source('source did: journal committed', { ...restored, hasCriu: true }), source('source did: say commit', restored),
  target('journal target resuming', restored), target('target did: journal resuming', restored), target('target did: let run', restored), target('journal target settled', restored), target('target did: journal settled', restored), target('target did: say running', restored),
  source('journal source done', restored), source('source did: journal done', over), source('source did: say heard', over), source('source: clean up', over), source('destroy: files', over), source('source did: remove', over), source('source did: forget', over), target('target did: forget', over),
];

/** Nothing is frozen at the source, and no CRIU holds it. */
const theCommitOfStored: Moment[] = theCommit.map(({ side, name, isRestored, isOver }) => ({ side, name, ...(isRestored ? { isRestored } : {}), ...(isOver ? { isOver } : {}) }));

/** Passed only where a POD has more than a hundred megabytes of memory, which the harness's has not: test/integration/moves strikes there (tracked, follow). */
export const ofLargePods: readonly string[] = ['source: memory again', 'source: memory of the last move', 'suspend: memory of the last move', 'target: prepare again', 'tracker: foreign registers'];

export const moments: Record<Operation, readonly Moment[]> = {
  move: [...beforeTheFreeze, ...whileFrozen, ...theCommit, source('source: keep memory', over)],
  'move-undone': [source('source did: release'), source('source did: forget'), target('target did: remove'), target('destroy: processes'), target('destroy: files'), target('target did: forget'), target('target did: say gone')],
  'move-stored': [source('source: offer'), target('target: files'), source('source: files'), source('source: prepare target'), source('source: send memory'), target('target: store'), ...theCommitOfStored],
  'resume-elsewhere': [
    source('source: offer'), target('target: files'), source('source: files'), source('source: verify and decrypt'), source('source: prepare target'), target('target: prepare'), source('source: send memory'), target('target: receive memory', { hasCriu: true }),
    target('target: receive last files'), target('target: make processes', { hasCriu: true }), ...theCommitOfStored,
  ],
  clone: [...beforeTheFreeze, ...whileFrozen, target('target: new identity'), source('source: restore'), target('target did: say restored'), target('target did: let run')],
  suspend: [source('suspend: find watched files'), source('suspend: detach viewers', { hasCriu: true }), source('suspend: freeze and dump', { hasCriu: true }), source('source: frozen', held), source('source: dumped', held), source('suspend: dumped', held), source('suspend: encrypt and store', held), source('suspend: written', held), source('suspend: clean up', { isFrozen: true })],
  resume: [source('resume: verify and decrypt'), source('resume: prepare'), source('resume: restore', { hasCriu: true }), source('resume: written', { isFrozen: true }), source('resume: let run')],
  delete: [source('destroy: processes'), source('destroy: files')],
  create: [source('create: files'), source('create: sandbox'), source('create: made'), source('create: started')],
};
