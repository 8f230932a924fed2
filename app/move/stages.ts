/** The stages of a move as people see them; each gathers what the helpers call steps. */
import type { MessageId } from '../i18n/catalog';

export const stages = ['prepare', 'copy', 'pause', 'finish', 'restore', 'clean'] as const;
export type Stage = (typeof stages)[number];

export const stageLabels: Record<Stage, MessageId> = {
  prepare: 'stage.prepare',
  copy: 'stage.copy',
  pause: 'stage.pause',
  finish: 'stage.finish',
  restore: 'stage.restore',
  clean: 'stage.clean',
};

const phases: Record<string, Stage> = {
  offer: 'prepare',
  environment: 'prepare',
  prepare: 'prepare',
  'prepare target': 'prepare',
  'verify checkpoint': 'prepare',
  'find watched files': 'prepare',
  files: 'copy',
  memory: 'copy',
  'detach viewers': 'pause',
  freeze: 'pause',
  'freeze and dump': 'pause',
  dump: 'pause',
  'files again': 'pause',
  'send memory': 'finish',
  'receive memory': 'finish',
  'send last files': 'finish',
  'receive last files': 'finish',
  'new identity': 'restore',
  restore: 'restore',
  store: 'restore',
  verify: 'restore',
  commit: 'clean',
  'clean up': 'clean',
};

/** Undefined for a step that this version does not know: its own name is shown. */
export function stageOf(phase: string): Stage | undefined {
  return Object.hasOwn(phases, phase) ? phases[phase] : undefined;
}
