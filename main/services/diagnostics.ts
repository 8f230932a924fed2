/** All that helps to find a fault, as a text to hand on: what secrets there may be in it is taken out. */
import { homedir, release, userInfo } from 'node:os';
import { ZapError } from '../../helper/protocol/errors';
import { version } from '../../package.json';
import type { Task } from '../contract';
import { redact } from '../logs/redact';
import type { Desk } from './desk';

const LAST_TASKS = 20;

export async function diagnostics(desk: Desk, taskId: string | undefined): Promise<string> {
  const versions = Object.entries(process.versions).filter(([name]) => ['node', 'electron', 'chrome', 'v8'].includes(name)).map(([name, value]) => `${name} ${value}`);
  const sections: [string, string][] = [['Zap', [version, `Linux ${release()} ${process.arch}`, ...versions].join('\n')]];
  if (taskId === undefined) {
    for (const host of desk.store.allHosts) sections.push([`host ${host.name}`, `${JSON.stringify({ ...host, environments: host.environments.map(({ names, digest }) => ({ names, digest })) }, null, 1)}\n${desk.links.get(host.name)?.log.text ?? ''}`]);
    sections.push(['PODs', desk.store.allPods.map((pod) => JSON.stringify(pod)).join('\n')]);
    for (const task of desk.board.shown.slice(-LAST_TASKS)) sections.push(await sectionOf(desk, task));
    sections.push(['services', desk.log.text]);
  } else {
    const task = desk.board.get(taskId);
    if (!task) throw new ZapError('usage/task-gone', 'This task is forgotten.', { data: { task: taskId } });
    sections.push(await sectionOf(desk, task));
    const hosts = [task.subject.host, task.subject.from, task.subject.to].filter((host) => host !== undefined);
    for (const host of new Set(hosts)) sections.push([`host ${host}`, `${JSON.stringify(desk.knowledge(host).facts)}\n${desk.links.get(host)?.log.text ?? ''}`]);
  }
  return redact(sections.map(([title, text]) => `## ${title}\n${text.trim()}\n`).join('\n'), { home: homedir(), user: userInfo().username });
}

async function sectionOf(desk: Desk, task: Task): Promise<[string, string]> {
  return [`task ${task.kind} ${task.id}`, `${JSON.stringify(task, null, 1)}\n${await desk.board.log(task.id)}`];
}
