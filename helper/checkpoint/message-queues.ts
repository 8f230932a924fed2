/** The POD's POSIX message queues as a part of its checkpoint. CRIU cannot dump one that is open, and does not see one that nobody has open. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { makeQueues, readQueues } from '../system/message-queues';

const fileName = 'message-queues.json';
const Id = z.number().int().min(0).max(65535);
/** The kernel's own bounds; ids are those inside of the POD. */
const Queues = z.array(z.strictObject({
  name: z.string().min(1).max(255),
  mode: z.number().int().min(0).max(0o777),
  uid: Id,
  gid: Id,
  maxMessages: z.number().int().min(1).max(65536),
  maxBytes: z.number().int().min(1).max(16 << 20),
  messages: z.array(z.strictObject({ priority: z.number().int().min(0).max(32767), content: z.base64() })).max(65536),
})).max(100_000);

/** Of a POD that stands still. */
export function saveMessageQueues(images: string, { initPid, uidBase }: { initPid: number; uidBase: number }): void {
  const queues = readQueues(initPid);
  if (queues.length === 0) return;
  const saved = queues.map((queue) => ({ ...queue, uid: queue.uid - uidBase, gid: queue.gid - uidBase, messages: queue.messages.map(({ priority, content }) => ({ priority, content: content.toString('base64') })) }));
  writeFileSync(join(images, fileName), JSON.stringify(saved satisfies z.infer<typeof Queues>), { mode: 0o600 });
}

export function loadMessageQueues(images: string, { initPid, uidBase }: { initPid: number; uidBase: number }): void {
  const path = join(images, fileName);
  if (!existsSync(path)) return;
  const saved = Queues.parse(JSON.parse(readFileSync(path, 'utf8')));
  makeQueues(initPid, saved.map((queue) => ({ ...queue, uid: queue.uid + uidBase, gid: queue.gid + uidBase, messages: queue.messages.map(({ priority, content }) => ({ priority, content: Buffer.from(content, 'base64') })) })));
}
