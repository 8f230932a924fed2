/**
 * Network links by system call: what must happen while a POD is frozen is not worth a process.
 */
import { closeSync, readFileSync } from 'node:fs';
import { checked, libc } from './native';

const socketCall = libc<[number, number, number]>('int socket(int domain, int type, int protocol)');
const ioctlCall = libc<[number, number, Buffer]>('int ioctl(int fd, unsigned long request, _Inout_ uint8_t *argument)');
const sendto = libc<[number, Buffer, number, number, Buffer, number]>('long sendto(int fd, const uint8_t *data, size_t length, int flags, const uint8_t *address, uint32_t addressLength)');
const AF_INET = 2;
const AF_PACKET = 17;
const SOCK_DGRAM = 2;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2000000;
const SIOCGIFFLAGS = 0x8913;
const SIOCSIFFLAGS = 0x8914;
const SIOCBRADDIF = 0x89a2;
const IFF_UP = 1;
const IFNAMSIZ = 16;
const IFREQ_BYTES = 40;

function withSocket<T>(domain: number, type: number, use: (fd: number) => T): T {
  const fd = checked(socketCall(domain, type | SOCK_CLOEXEC, 0), 'socket');
  try {
    return use(fd);
  } finally {
    closeSync(fd);
  }
}

function ifreq(name: string): Buffer {
  const request = Buffer.alloc(IFREQ_BYTES);
  if (request.write(name, 0, IFNAMSIZ - 1, 'latin1') !== name.length) throw new Error(`interface name too long: ${name}`);
  return request;
}

export function interfaceIndex(name: string): number {
  return Number(readFileSync(`/sys/class/net/${name}/ifindex`, 'utf8'));
}

export function setLinkUp(name: string, isUp: boolean): void {
  withSocket(AF_INET, SOCK_DGRAM, (fd) => {
    const request = ifreq(name);
    checked(ioctlCall(fd, SIOCGIFFLAGS, request), 'ioctl(SIOCGIFFLAGS)', name);
    const flags = request.readUInt16LE(IFNAMSIZ);
    request.writeUInt16LE(isUp ? flags | IFF_UP : flags & ~IFF_UP, IFNAMSIZ);
    checked(ioctlCall(fd, SIOCSIFFLAGS, request), 'ioctl(SIOCSIFFLAGS)', name);
  });
}

export function joinBridge(bridge: string, port: string): void {
  withSocket(AF_INET, SOCK_DGRAM, (fd) => {
    const request = ifreq(bridge);
    request.writeInt32LE(interfaceIndex(port), IFNAMSIZ);
    checked(ioctlCall(fd, SIOCBRADDIF, request), 'ioctl(SIOCBRADDIF)', port);
  });
}

/**
 * Broadcasts "this address is at this MAC" (a gratuitous ARP request, RFC 5227 section 3) through `name`, so that switches learn the POD's new place.
 */
export function announceAddress(name: string, mac: string, address: string, index = interfaceIndex(name)): void {
  const hardware = Buffer.from(mac.replaceAll(':', ''), 'hex');
  const protocol = Buffer.from(address.split('.').map(Number));
  const broadcast = Buffer.alloc(6, 0xff);
  const header = Buffer.from([0x00, 0x01, 0x08, 0x00, 6, 4, 0x00, 0x01]); // Ethernet, IPv4, sizes, request
  const frame = Buffer.concat([broadcast, hardware, Buffer.from([0x08, 0x06]), header, hardware, protocol, Buffer.alloc(6), protocol, Buffer.alloc(18)]);
  const destination = Buffer.alloc(20); // struct sockaddr_ll
  destination.writeUInt16LE(AF_PACKET, 0);
  destination.writeUInt16BE(0x0806, 2);
  destination.writeInt32LE(index, 4);
  destination.writeUInt8(6, 11);
  broadcast.copy(destination, 12);
  withSocket(AF_PACKET, SOCK_RAW, (fd) => checked(sendto(fd, frame, frame.length, 0, destination, destination.length), 'sendto', name));
}
