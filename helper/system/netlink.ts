/**
 * Links, addresses and routes over rtnetlink (rtnetlink(7)), in the network namespace of another process.
 *
 * Programs would do the same in thirty times the time, which a frozen POD would have to wait.
 */
import { closeSync } from 'node:fs';
import { inNamespace } from './namespace';
import { checked, libc } from './native';

const socketCall = libc<[number, number, number]>('int socket(int domain, int type, int protocol)');
const sendCall = libc<[number, Uint8Array, number, number]>('int64_t send(int fd, const void *data, uint64_t size, int flags)');
const recvCall = libc<[number, Uint8Array, number, number]>('int64_t recv(int fd, void *data, uint64_t size, int flags)');
const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2000000;
const NETLINK_ROUTE = 0;

const NLM_F_REQUEST = 1;
const NLM_F_ACK = 4;
const NLM_F_CREATE = 0x400;
const NLM_F_EXCL = 0x200;
const NLM_F_REPLACE = 0x100;
const NLMSG_ERROR = 2;
const RTM_NEWLINK = 16;
const RTM_SETLINK = 19;
const RTM_NEWADDR = 20;
const RTM_NEWROUTE = 24;
const RTM_DELNEIGH = 29;
const AF_INET = 2;
const IFF_UP = 1;
const IFLA_ADDRESS = 1;
const IFLA_IFNAME = 3;
const IFLA_MTU = 4;
const IFLA_LINK = 5;
const IFLA_LINKINFO = 18;
const IFLA_NET_NS_PID = 19;
const IFLA_INFO_KIND = 1;
const IFLA_INFO_DATA = 2;
const VETH_INFO_PEER = 1;
const IFLA_MACVLAN_MODE = 1;
const MACVLAN_MODE_BRIDGE = 4;
const MACVLAN_MODE_SOURCE = 16;
const AF_BRIDGE = 7;
const IFLA_PROTINFO = 12;
const NLA_F_NESTED = 0x8000;
const IFLA_BRPORT_STATE = 1;
const BR_STATE_FORWARDING = 3;
const BR_STATE_LISTENING = 1; // the bridge takes a "disabled" port into use when its carrier changes, and without STP a "blocking" one at once
const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
const RTA_GATEWAY = 5;
const RTA_OIF = 4;
const RT_TABLE_MAIN = 254;
const RTPROT_BOOT = 3;
const RTN_UNICAST = 1;
const RTNH_F_ONLINK = 4;
const NDA_DST = 1;
const headerBytes = 16;

function attribute(type: number, ...parts: Uint8Array[]): Buffer {
  const value = Buffer.concat(parts);
  const result = Buffer.alloc((4 + value.length + 3) & ~3);
  result.writeUInt16LE(4 + value.length, 0);
  result.writeUInt16LE(type, 2);
  value.copy(result, 4);
  return result;
}

const text = (value: string): Buffer => Buffer.from(`${value}\0`);
const number = (value: number): Buffer => {
  const result = Buffer.alloc(4);
  result.writeUInt32LE(value);
  return result;
};
const macBytes = (mac: string): Buffer => Buffer.from(mac.replaceAll(':', ''), 'hex');
const ipBytes = (address: string): Buffer => Buffer.from(address.split('.').map(Number));

/** struct ifinfomsg. */
function linkHeader(index: number, isUp: boolean, change = isUp ? IFF_UP : 0): Buffer {
  const header = Buffer.alloc(16);
  header.writeInt32LE(index, 4);
  header.writeUInt32LE(isUp ? IFF_UP : 0, 8);
  header.writeUInt32LE(change, 12);
  return header;
}

/** Closed is the mode that takes frames of named senders only, with no sender named. */
function macvlanInfo(isOpen: boolean): Buffer {
  const mode = attribute(IFLA_MACVLAN_MODE, number(isOpen ? MACVLAN_MODE_BRIDGE : MACVLAN_MODE_SOURCE));
  return attribute(IFLA_LINKINFO, attribute(IFLA_INFO_KIND, text('macvlan')), attribute(IFLA_INFO_DATA, mode));
}

export class Netlink implements Disposable {
  private sequence = 0;

  private constructor(private readonly fd: number) {}

  static open(): Netlink {
    return new Netlink(checked(socketCall(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE), 'socket(AF_NETLINK)'));
  }

  /** A veth pair: `name` here, its peer with the given address in the namespace of the process `pid`. */
  addVeth(name: string, peer: { name: string; mac: string; pid: number }): void {
    const peerInfo = attribute(VETH_INFO_PEER, linkHeader(0, false), attribute(IFLA_IFNAME, text(peer.name)), attribute(IFLA_ADDRESS, macBytes(peer.mac)), attribute(IFLA_NET_NS_PID, number(peer.pid)));
    const info = attribute(IFLA_LINKINFO, attribute(IFLA_INFO_KIND, text('veth')), attribute(IFLA_INFO_DATA, peerInfo));
    this.request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, `link ${name}`, linkHeader(0, false), attribute(IFLA_IFNAME, text(name)), info);
  }

  /** A macvlan that takes nothing in yet, on the link `parent` (an index in this namespace), put as `name` into the namespace of the process `pid`. */
  addMacvlan(name: string, mac: string, parent: number, pid: number): void {
    const info = macvlanInfo(false);
    this.request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, `link ${name}`, linkHeader(0, false), attribute(IFLA_IFNAME, text(name)), attribute(IFLA_ADDRESS, macBytes(mac)), attribute(IFLA_LINK, number(parent)), attribute(IFLA_NET_NS_PID, number(pid)), info);
  }

  /** Whether a macvlan takes frames in. Its carrier stays, so that nobody inside notices. */
  setMacvlanOpen(index: number, isOpen: boolean): void {
    this.request(RTM_NEWLINK, 0, `macvlan ${index}`, linkHeader(index, false, 0), macvlanInfo(isOpen));
  }

  /** Whether a bridge's port forwards. Its carrier stays, so that nobody at its other end notices. */
  setBridgePortOpen(index: number, isOpen: boolean): void {
    const header = linkHeader(index, false, 0);
    header.writeUInt8(AF_BRIDGE, 0);
    const state = attribute(IFLA_BRPORT_STATE, Buffer.from([isOpen ? BR_STATE_FORWARDING : BR_STATE_LISTENING]));
    this.request(RTM_SETLINK, 0, `bridge port ${index}`, header, attribute(IFLA_PROTINFO | NLA_F_NESTED, state));
  }

  setLink(index: number, isUp: boolean): void {
    this.request(RTM_NEWLINK, 0, `link ${index}`, linkHeader(index, isUp, IFF_UP));
  }

  setMtu(index: number, mtuBytes: number): void {
    this.request(RTM_NEWLINK, 0, `link ${index}`, linkHeader(index, false, 0), attribute(IFLA_MTU, number(mtuBytes)));
  }

  addAddress(index: number, address: string, prefixLength: number): void {
    const header = Buffer.alloc(8); // struct ifaddrmsg
    header.writeUInt8(AF_INET, 0);
    header.writeUInt8(prefixLength, 1);
    header.writeUInt32LE(index, 4);
    this.request(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, `address ${address}`, header, attribute(IFA_LOCAL, ipBytes(address)), attribute(IFA_ADDRESS, ipBytes(address)));
  }

  /** The default route; the gateway is believed to be on the link even where the address's prefix does not say so. */
  setDefaultRoute(index: number, gateway: string): void {
    const header = Buffer.alloc(12); // struct rtmsg
    header.writeUInt8(AF_INET, 0);
    header.writeUInt8(RT_TABLE_MAIN, 4);
    header.writeUInt8(RTPROT_BOOT, 5);
    header.writeUInt8(RTN_UNICAST, 7);
    header.writeUInt32LE(RTNH_F_ONLINK, 8);
    this.request(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, `route via ${gateway}`, header, attribute(RTA_GATEWAY, ipBytes(gateway)), attribute(RTA_OIF, number(index)));
  }

  /** A neighbour's link-layer address, and what waits for it, are forgotten: whoever sends to it next asks at once. */
  deleteNeighbour(index: number, address: string): void {
    const header = Buffer.alloc(12); // struct ndmsg
    header.writeUInt8(AF_INET, 0);
    header.writeInt32LE(index, 4);
    this.request(RTM_DELNEIGH, 0, `neighbour ${address}`, header, attribute(NDA_DST, ipBytes(address)));
  }

  /** The index of a link in the socket's namespace. */
  indexOf(name: string): number {
    const reply = this.exchange(18 /* RTM_GETLINK */, 0, `link ${name}`, [linkHeader(0, false), attribute(IFLA_IFNAME, text(name))]);
    return reply.readInt32LE(headerBytes + 4);
  }

  [Symbol.dispose](): void {
    closeSync(this.fd);
  }

  private request(type: number, flags: number, what: string, ...payload: Buffer[]): void {
    this.exchange(type, flags | NLM_F_ACK, what, payload);
  }

  private exchange(type: number, flags: number, what: string, payload: Buffer[]): Buffer {
    const body = Buffer.concat(payload);
    const header = Buffer.alloc(headerBytes);
    header.writeUInt32LE(headerBytes + body.length, 0);
    header.writeUInt16LE(type, 4);
    header.writeUInt16LE(NLM_F_REQUEST | flags, 6);
    header.writeUInt32LE(++this.sequence, 8);
    const message = Buffer.concat([header, body]);
    checked(Number(sendCall(this.fd, message, message.length, 0)), 'send(netlink)', what);
    const answer = Buffer.alloc(32 << 10);
    checked(Number(recvCall(this.fd, answer, answer.length, 0)), 'recv(netlink)', what);
    if (answer.readUInt16LE(4) === NLMSG_ERROR) {
      const error = answer.readInt32LE(headerBytes);
      if (error !== 0) throw Object.assign(new Error(`netlink refused ${what}: error ${-error}`), { errno: error, syscall: 'netlink', path: what });
    }
    return answer;
  }
}

/** Runs `use`, which must not wait for anything, in the network namespace of a process. */
export function inNetworkNamespace<T>(pid: number, use: (netlink: Netlink) => T): T {
  return inNamespace(pid, 'net', () => {
    using netlink = Netlink.open();
    return use(netlink);
  });
}
