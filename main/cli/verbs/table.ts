/** Every command there is, in the order of the help. */
import type { Command } from '../command';
import { environmentCommands } from './environment';
import { helpCommands } from './help';
import { hostCommands } from './host';
import { hostCareCommands } from './host-care';
import { labCommands } from './lab';
import { podCommands } from './pod';
import { podLifeCommands } from './pod-life';
import { podSessionCommands } from './pod-session';
import { podShareCommands } from './pod-share';
import { recoverCommands } from './recover';
import { transferCommands } from './transfer';

export const commands: readonly Command[] = [
  ...podCommands, ...podSessionCommands, ...podLifeCommands, ...podShareCommands, ...transferCommands, ...recoverCommands, ...environmentCommands, ...hostCommands, ...hostCareCommands, ...labCommands, ...helpCommands(() => commands),
];
