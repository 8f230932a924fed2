/** A stream of the user interface's contract on a port: runs until either end hangs up. */
import type { StreamInput, StreamName } from '../contract';
import { desktopKind } from './desktop';
import type { Hosts } from './lookout';
import { runPodStream } from './pod-stream';
import { terminalKind } from './terminal';
import type { StreamPort } from './view';

export type StreamRequest = { [N in StreamName]: { name: N; input: StreamInput<N> } }[StreamName];

export function runStream(hosts: Hosts, request: StreamRequest, port: StreamPort): Promise<void> {
  const { pod } = request.input;
  const kind = request.name === 'desktop' ? desktopKind(request.input) : terminalKind(request.input);
  return runPodStream({ hosts, pod, port, kind });
}
