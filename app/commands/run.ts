/** Runs a command on what it is about. */
import { commands, type CommandId } from '../../main/contract/commands';
import { desk } from '../state/desk';
import { currentRoute } from '../state/navigation';
import { world } from '../state/world';
import { actions, type Context } from './actions';

/** What is meant when nothing is pointed at: the page's POD or host, else what is selected. */
export function currentContext(): Context {
  const { pods, hosts, tasks } = world.getState();
  const route = currentRoute();
  const { selected, drawer } = desk.getState();
  const task = drawer.task === undefined ? undefined : tasks[drawer.task];
  if (route.page === 'pod') {
    const pod = pods[route.pod];
    return { pods: pod ? [pod] : [], host: pod && hosts[pod.host], task };
  }
  return { pods: [...selected].flatMap((id) => pods[id] ?? []), host: route.page === 'host' ? hosts[route.host] : undefined, task };
}

export function contextOf(target: { pods: readonly string[] } | { host: string } | { task: string }): Context {
  const { pods, hosts, tasks } = world.getState();
  if ('pods' in target) return { pods: target.pods.flatMap((id) => pods[id] ?? []) };
  if ('host' in target) return { pods: [], host: hosts[target.host] };
  return { pods: [], task: tasks[target.task] };
}

export function applies(id: CommandId, context: Context): boolean {
  const { target } = commands[id];
  if (target === 'pod' && context.pods.length === 0) return false;
  if (target === 'host' && !context.host) return false;
  if (target === 'task' && !context.task) return false;
  return actions[id].when?.(context) ?? true;
}

export function run(id: CommandId, context: Context = currentContext()): void {
  if (applies(id, context)) actions[id].run(context);
}

/** For what comes from outside of the window, where any string may come. */
export function runCommandById(id: string): void {
  if (Object.hasOwn(commands, id)) run(id as CommandId);
}
