/** Copies a tree on this host, exactly as between hosts. */
import { readArchive, type ReadOptions } from './archive-read';
import { writeArchive, type WriteOptions } from './archive-write';
import { ByteChannel } from './byte-channel';

export async function copyTree(from: string, to: string, options: WriteOptions & ReadOptions = {}): Promise<void> {
  const { onBytes, ...both } = options;
  const channel = new ByteChannel();
  const sending = writeArchive(from, channel, both).then(
    () => channel.end(),
    (error: unknown) => channel.fail(error),
  );
  try {
    await readArchive(to, channel, onBytes === undefined ? both : { ...both, onBytes });
  } catch (error) {
    channel.fail(error); // the sender must not wait for ever
    throw error;
  } finally {
    await sending;
  }
}
