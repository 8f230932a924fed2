/**
 * POSIX message queues of another process's ipc namespace.
 *
 * By their system calls: libc has them only since glibc 2.34, and wants names to begin with a slash that the kernel does not know.
 */
import { closeSync, fchmodSync } from 'node:fs';
import { newFilesystem } from './mounts';
import { inNamespace } from './namespace';
import { checked, libc } from './native';
import { cString, O_CLOEXEC, O_CREAT, O_DIRECTORY, O_EXCL, O_NONBLOCK, O_RDONLY, openAt, readDirectory } from './paths';

export interface MessageQueue {
  /** One character per byte. */
  name: string;
  /** Permissions. */
  mode: number;
  uid: number;
  gid: number;
  maxMessages: number;
  /** Of one message at most. */
  maxBytes: number;
  /** In the order in which they are received. */
  messages: { priority: number; content: Buffer }[];
}

const numbers = process.arch === 'arm64' ? { open: 180, send: 182, receive: 183, attributes: 185, setfsuid: 151, setfsgid: 152 } : { open: 240, send: 242, receive: 243, attributes: 245, setfsuid: 122, setfsgid: 123 };
const openCall = libc<[number, Buffer, number, number, Buffer | null]>('int64_t syscall(int64_t number, const void *name, int flags, uint32_t mode, const void *attributes)');
const attributesCall = libc<[number, number, null, Buffer]>('int64_t syscall(int64_t number, int queue, const void *wanted, void *found)');
const sendCall = libc<[number, number, Buffer, number, number, null]>('int64_t syscall(int64_t number, int queue, const void *content, uint64_t size, uint32_t priority, const void *timeout)');
const receiveCall = libc<[number, number, Buffer, number, Buffer, null]>('int64_t syscall(int64_t number, int queue, void *content, uint64_t size, void *priority, const void *timeout)');
const actAsCall = libc<[number, number]>('int64_t syscall(int64_t number, uint32_t id)');

const O_RDWR = 2;

/** All that there are. They are read by taking messages out and putting them back: nobody may use them meanwhile. */
export function readQueues(pid: number): MessageQueue[] {
  return inNamespace(pid, 'ipc', () => listQueues().map(({ name, mode, uid, gid }) => withQueue(openQueue(name), (queue) => {
    const attributes = Buffer.alloc(64);
    checked(Number(attributesCall(numbers.attributes, queue, null, attributes)), 'mq_getattr', name);
    const [maxMessages, maxBytes, count] = [1, 2, 3].map((at) => Number(attributes.readBigInt64LE(at * 8))) as [number, number, number];
    const messages = Array.from({ length: count }, () => receive(queue, maxBytes));
    for (const message of messages) send(queue, message);
    return { name, mode: mode & 0o777, uid, gid, maxMessages, maxBytes, messages };
  })));
}

export function makeQueues(pid: number, queues: readonly MessageQueue[]): void {
  inNamespace(pid, 'ipc', () => {
    for (const { name, mode, uid, gid, maxMessages, maxBytes, messages } of queues) {
      const attributes = Buffer.alloc(64);
      attributes.writeBigInt64LE(BigInt(maxMessages), 8);
      attributes.writeBigInt64LE(BigInt(maxBytes), 16);
      withQueue(actingAs(uid, gid, () => openQueue(name, O_CREAT | O_EXCL, attributes)), (queue) => {
        fchmodSync(queue, mode); // whatever the umask took away
        for (const message of messages) send(queue, message);
      });
    }
  });
}

/** They are files of a file system of their own, which belongs to the namespace and need not be mounted anywhere. */
function listQueues(): { name: string; mode: number; uid: number; gid: number }[] {
  const mount = newFilesystem('mqueue', {});
  try {
    const directory = openAt(mount, '.', O_RDONLY | O_DIRECTORY);
    try {
      return [...readDirectory(directory)].flat().map(({ name, stat }) => ({ name, mode: stat.mode, uid: stat.uid, gid: stat.gid }));
    } finally {
      closeSync(directory);
    }
  } finally {
    closeSync(mount);
  }
}

function openQueue(name: string, flags = 0, attributes: Buffer | null = null): number {
  return checked(Number(openCall(numbers.open, cString(name), O_RDWR | O_NONBLOCK | O_CLOEXEC | flags, 0o600, attributes)), 'mq_open', name);
}

function withQueue<T>(queue: number, use: (queue: number) => T): T {
  try {
    return use(queue);
  } finally {
    closeSync(queue);
  }
}

function receive(queue: number, maxBytes: number): MessageQueue['messages'][number] {
  const [content, priority] = [Buffer.alloc(maxBytes), Buffer.alloc(4)];
  const size = checked(Number(receiveCall(numbers.receive, queue, content, maxBytes, priority, null)), 'mq_receive');
  return { priority: priority.readUInt32LE(), content: content.subarray(0, size) };
}

function send(queue: number, { priority, content }: MessageQueue['messages'][number]): void {
  checked(Number(sendCall(numbers.send, queue, content, content.length, priority, null)), 'mq_send');
}

/** What is made meanwhile is theirs. The file system knows no ids but those of the namespace's owner, root's are not among them. */
function actingAs<T>(uid: number, gid: number, act: () => T): T {
  actAsCall(numbers.setfsgid, gid);
  actAsCall(numbers.setfsuid, uid);
  try {
    return act();
  } finally {
    actAsCall(numbers.setfsuid, 0);
    actAsCall(numbers.setfsgid, 0);
  }
}
