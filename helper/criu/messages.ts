/**
 * CRIU's messages: the subset of its RPC and image formats that the engine uses.
 *
 * Field numbers are CRIU 4.2's (images/*.proto); protobuf skips what is not named here. Names are camelCase, as everywhere else.
 */
import protobuf from 'protobufjs/light.js';

type Fields = Record<string, { type: string; id: number; rule?: 'required' | 'repeated' }>;

/** Shorthand: `['int32', 2]`, `['string', 37, 'repeated']`. */
function fields(table: Record<string, [type: string, id: number, rule?: 'required' | 'repeated']>): { edition: string; fields: Fields } {
  return {
    // In CRIU's syntax a zero that was set differs from nothing: without this protobufjs would drop `manageCgroupsMode: 0`, and CRIU manage cgroups.
    edition: 'proto2',
    fields: Object.fromEntries(Object.entries(table).map(([name, [type, id, rule]]) => [name, rule ? { type, id, rule } : { type, id }])),
  };
}

const root = protobuf.Root.fromJSON({
  nested: {
    Options: fields({
      imagesDirFd: ['int32', 1, 'required'],
      pid: ['int32', 2],
      leaveRunning: ['bool', 3],
      extUnixSk: ['bool', 4],
      tcpEstablished: ['bool', 5],
      fileLocks: ['bool', 8],
      logLevel: ['int32', 9],
      logFile: ['string', 10],
      notifyScripts: ['bool', 12],
      root: ['string', 13],
      autoDedup: ['bool', 16],
      linkRemap: ['bool', 18],
      forceIrmap: ['bool', 21],
      manageCgroupsMode: ['uint32', 34],
      ghostLimit: ['uint32', 35],
      external: ['string', 37, 'repeated'],
      emptyNs: ['uint32', 38],
      freezeCgroup: ['string', 44],
      timeout: ['uint32', 45],
      lazyPages: ['bool', 48],
      tcpSkipInFlight: ['bool', 46],
      tcpClose: ['bool', 52],
      networkLock: ['uint32', 64],
      imagesDir: ['string', 68],
    }),
    Features: fields({ memTrack: ['bool', 1], lazyPages: ['bool', 2], pidfdStore: ['bool', 3] }),
    Request: fields({
      type: ['uint32', 1, 'required'],
      opts: ['Options', 2],
      notifySuccess: ['bool', 3],
      features: ['Features', 5],
    }),
    RestoreResponse: fields({ pid: ['int32', 1, 'required'] }),
    Notify: fields({ script: ['string', 1], pid: ['int32', 2] }),
    Version: fields({ major: ['int32', 1, 'required'], minor: ['int32', 2, 'required'], gitId: ['string', 3], sublevel: ['int32', 4] }),
    Response: fields({
      type: ['uint32', 1, 'required'],
      success: ['bool', 2, 'required'],
      restore: ['RestoreResponse', 4],
      notify: ['Notify', 5],
      crErrno: ['int32', 7],
      features: ['Features', 8],
      crErrmsg: ['string', 9],
      version: ['Version', 10],
    }),
    DumpStats: fields({
      freezingTime: ['uint32', 1],
      frozenTime: ['uint32', 2],
      memdumpTime: ['uint32', 3],
      memwriteTime: ['uint32', 4],
      pagesScanned: ['uint64', 5],
      pagesSkippedParent: ['uint64', 6],
      pagesWritten: ['uint64', 7],
      irmapResolve: ['uint32', 8],
      pagesLazy: ['uint64', 9],
      shmemPagesWritten: ['uint64', 14],
    }),
    RestoreStats: fields({
      pagesCompared: ['uint64', 1],
      pagesSkippedCow: ['uint64', 2],
      forkingTime: ['uint32', 3],
      restoreTime: ['uint32', 4],
      pagesRestored: ['uint64', 5],
    }),
    Stats: fields({ dump: ['DumpStats', 1], restore: ['RestoreStats', 2] }),
    IdExtent: fields({ first: ['uint32', 1, 'required'], lowerFirst: ['uint32', 2, 'required'], count: ['uint32', 3, 'required'] }),
    UserNamespace: fields({ uidMap: ['IdExtent', 1, 'repeated'], gidMap: ['IdExtent', 2, 'repeated'] }),
    UtsNamespace: fields({ nodeName: ['string', 1, 'required'], domainName: ['string', 2, 'required'] }),
    FileEntry: fields({ type: ['uint32', 1, 'required'], id: ['uint32', 2, 'required'], timer: ['TimerEntry', 12] }),
    TimerEntry: fields({
      id: ['uint32', 1, 'required'],
      flags: ['uint32', 2, 'required'],
      owner: ['bytes', 3, 'required'],
      clock: ['uint32', 4, 'required'],
      ticks: ['uint64', 5, 'required'],
      settingFlags: ['uint32', 6, 'required'],
      valueSeconds: ['uint64', 7, 'required'],
      valueNanoseconds: ['uint64', 8, 'required'],
      intervalSeconds: ['uint64', 9, 'required'],
      intervalNanoseconds: ['uint64', 10, 'required'],
    }),
    IpcEntry: fields({ mode: ['uint32', 6, 'required'], id: ['uint32', 7, 'required'] }),
    SegmentEntry: fields({ segment: ['IpcEntry', 1, 'required'] }),
    IrmapEntry: fields({ device: ['uint32', 1, 'required'], inode: ['uint64', 2, 'required'], path: ['string', 3, 'required'] }),
  },
});

export interface CriuOptions {
  /** −1: use `imagesDir`. */
  imagesDirFd: number;
  imagesDir?: string;
  pid?: number;
  leaveRunning?: boolean;
  extUnixSk?: boolean;
  tcpEstablished?: boolean;
  fileLocks?: boolean;
  /** 1 errors, 2 warnings, 3 information, 4 everything. */
  logLevel?: number;
  logFile?: string;
  notifyScripts?: boolean;
  root?: string;
  autoDedup?: boolean;
  linkRemap?: boolean;
  forceIrmap?: boolean;
  manageCgroupsMode?: number;
  /** Bytes. */
  ghostLimit?: number;
  external?: string[];
  /** CLONE_NEW… flags. */
  emptyNs?: number;
  freezeCgroup?: string;
  /** Seconds. */
  timeout?: number;
  tcpSkipInFlight?: boolean;
  /** Private memory is not written to the images. */
  lazyPages?: boolean;
  tcpClose?: boolean;
  networkLock?: number;
}

export interface CriuFeatures {
  memTrack: boolean;
  lazyPages: boolean;
  pidfdStore: boolean;
}

export interface CriuRequest {
  type: number;
  opts?: CriuOptions;
  notifySuccess?: boolean;
  features?: CriuFeatures;
}

export interface CriuResponse {
  type: number;
  success: boolean;
  restore?: { pid: number };
  notify?: { script?: string; pid?: number };
  crErrno?: number;
  crErrmsg?: string;
  features?: CriuFeatures;
  version?: { major: number; minor: number; gitId?: string; sublevel?: number };
}

export interface DumpStats {
  freezingTime: number;
  frozenTime: number;
  memdumpTime: number;
  memwriteTime: number;
  pagesScanned: number;
  pagesSkippedParent: number;
  pagesWritten: number;
  irmapResolve?: number;
  pagesLazy: number;
  shmemPagesWritten?: number;
}

export interface RestoreStats {
  pagesCompared: number;
  pagesSkippedCow: number;
  forkingTime: number;
  restoreTime: number;
  pagesRestored?: number;
}

export interface IdExtent {
  first: number;
  lowerFirst: number;
  count: number;
}

export interface IrmapEntry {
  /** As the kernel has it: major << 20 | minor. */
  device: number;
  /** A decimal number as text: inode numbers of an overlay with xino use the top bits of 64. */
  inode: string;
  /** Absolute in the POD; its root is `/.`. */
  path: string;
}

/** A timerfd. */
export interface TimerEntry {
  id: number;
  flags: number;
  owner: Uint8Array;
  clock: number;
  ticks: number;
  settingFlags: number;
  valueSeconds: number;
  valueNanoseconds: number;
  intervalSeconds: number;
  intervalNanoseconds: number;
}

export interface Messages {
  Request: CriuRequest;
  Response: CriuResponse;
  Stats: { dump?: DumpStats; restore?: RestoreStats };
  UserNamespace: { uidMap: IdExtent[]; gidMap: IdExtent[] };
  UtsNamespace: { nodeName: string; domainName: string };
  /** Whole only for timers. */
  FileEntry: { type: number; id: number; timer?: TimerEntry };
  /** A part of it. */
  SegmentEntry: { segment: { mode: number; id: number } };
  IrmapEntry: IrmapEntry;
}

/** Request and response types (criu_req_type). */
export const messageType = { dump: 1, restore: 2, check: 3, notify: 6, featureCheck: 9, version: 10 } as const;

export function encode<Name extends keyof Messages>(name: Name, message: Messages[Name]): Uint8Array {
  const type = root.lookupType(name);
  return type.encode(type.fromObject(message)).finish();
}

export function decode<Name extends keyof Messages>(name: Name, bytes: Uint8Array): Messages[Name] {
  const type = root.lookupType(name);
  const longs = name === 'IrmapEntry' ? String : Number;
  return type.toObject(type.decode(bytes), { longs, arrays: true }) as Messages[Name];
}
