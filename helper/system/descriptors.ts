/** File descriptors that Node cannot make itself. */
import { checked, libc } from './native';

const socketpairCall = libc<[number, number, number, number[]]>('int socketpair(int domain, int type, int protocol, _Out_ int *fds)');
const AF_UNIX = 1;
const SOCK_SEQPACKET = 5;
const SOCK_CLOEXEC = 0o2000000;

/** A connected pair of AF_UNIX SOCK_SEQPACKET sockets, close-on-exec: what CRIU's RPC speaks over. */
export function seqpacketPair(): [number, number] {
  const fds = [-1, -1];
  checked(socketpairCall(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 'socketpair');
  return fds as [number, number];
}
