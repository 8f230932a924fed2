/**
 * A program that is a list of system calls: an ELF file of some kilobytes that needs no library and no loader.
 *
 * Whoever enters a POD stands, for a moment, in its files with rights that no program of the POD may have. So the program that gives these rights up
 * must not come from the POD; and one of the host's would need its libraries, which are not there. This one brings all that it needs.
 */
/** A number; or the address of bytes, of a list of texts as execve takes it, of bytes that hold an address themselves. */
export type Argument = number | Buffer | readonly string[] | { bytes: Buffer; pointerAt: number; target: Buffer };

export interface SystemCall {
  name: keyof (typeof numbers)['x64'];
  arguments: readonly Argument[];
  /** Otherwise the program ends with the failure message at the first call that fails. */
  mayFail?: boolean;
}

const numbers = {
  x64: { close: 3, write: 1, umask: 95, prctl: 157, setgroups: 116, setresgid: 119, setresuid: 117, execve: 59, exit_group: 231 },
  arm64: { close: 57, write: 64, umask: 166, prctl: 167, setgroups: 159, setresgid: 149, setresuid: 147, execve: 221, exit_group: 94 },
} as const;
const machines = { x64: 62, arm64: 183 } as const;
type Architecture = keyof typeof numbers;

const baseAddress = 0x400000;
const headerBytes = 64 + 56;
const codeBytes = 96;
const entryBytes = 64;
const failureStatus = 125;

export function callListProgram(calls: readonly SystemCall[], failureMessage: string, architecture: string = process.arch): Buffer {
  if (!(architecture in numbers)) throw new Error(`no system calls known for ${architecture}`);
  const arch = architecture as Architecture;
  const message = Buffer.from(failureMessage);
  const onFailure: SystemCall[] = [
    { name: 'write', arguments: [2, message, message.length], mayFail: true },
    { name: 'exit_group', arguments: [failureStatus] },
  ];
  const tableAt = headerBytes + codeBytes;
  const failureAt = tableAt + calls.length * entryBytes;
  const data = new DataSegment(failureAt + onFailure.length * entryBytes);
  const table = Buffer.concat([...calls, ...onFailure].map((call) => entryOf(call, arch, data)));
  const code = arch === 'x64' ? codeX64(tableAt, failureAt) : codeArm64(tableAt, failureAt);
  const content = Buffer.concat([code, table, data.bytes()]);
  return Buffer.concat([elfHeader(arch, headerBytes + content.length), content]);
}

class DataSegment {
  private readonly pieces: Buffer[] = [];
  private used = 0;

  constructor(private readonly startsAt: number) {}

  /** Address of a copy of these bytes. */
  place(bytes: Buffer): bigint {
    const padding = (8 - ((this.startsAt + this.used) % 8)) % 8;
    const at = this.startsAt + this.used + padding;
    this.pieces.push(Buffer.alloc(padding), bytes);
    this.used += padding + bytes.length;
    return BigInt(baseAddress + at);
  }

  /** Address of an array of pointers to texts, with a null pointer at its end. */
  placeTexts(texts: readonly string[]): bigint {
    const array = Buffer.alloc((texts.length + 1) * 8);
    texts.forEach((text, index) => array.writeBigUInt64LE(this.place(Buffer.from(`${text}\0`)), index * 8));
    return this.place(array);
  }

  bytes(): Buffer {
    return Buffer.concat(this.pieces);
  }
}

function entryOf(call: SystemCall, arch: Architecture, data: DataSegment): Buffer {
  const entry = Buffer.alloc(entryBytes);
  entry.writeBigUInt64LE(BigInt(numbers[arch][call.name]), 0);
  call.arguments.forEach((argument, index) => entry.writeBigUInt64LE(addressOrNumber(argument, data), 8 + index * 8));
  entry.writeBigUInt64LE(call.mayFail ? 1n : 0n, 56);
  return entry;
}

function addressOrNumber(argument: Argument, data: DataSegment): bigint {
  if (typeof argument === 'number') return BigInt(argument);
  if (Buffer.isBuffer(argument)) return data.place(argument);
  if (!('bytes' in argument)) return data.placeTexts(argument);
  const bytes = Buffer.from(argument.bytes);
  bytes.writeBigUInt64LE(data.place(argument.target), argument.pointerAt);
  return data.place(bytes);
}

/** One loadable segment, read and executed, never written; the code begins right behind the headers. */
function elfHeader(arch: Architecture, size: number): Buffer {
  const header = Buffer.alloc(headerBytes);
  Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]).copy(header); // 64 bits, little endian, version 1
  header.writeUInt16LE(2, 16); // executable
  header.writeUInt16LE(machines[arch], 18);
  header.writeUInt32LE(1, 20);
  header.writeBigUInt64LE(BigInt(baseAddress + headerBytes), 24);
  header.writeBigUInt64LE(64n, 32);
  header.writeUInt16LE(64, 52);
  header.writeUInt16LE(56, 54);
  header.writeUInt16LE(1, 56);
  header.writeUInt32LE(1, 64); // PT_LOAD
  header.writeUInt32LE(5, 68); // read, execute
  header.writeBigUInt64LE(BigInt(baseAddress), 80);
  header.writeBigUInt64LE(BigInt(baseAddress), 88);
  header.writeBigUInt64LE(BigInt(size), 96);
  header.writeBigUInt64LE(BigInt(size), 104);
  header.writeBigUInt64LE(0x1000n, 112);
  return header;
}

/** `rbx` walks the table; a call that fails and may not sends it to the calls that say so. */
function codeX64(tableAt: number, failureAt: number): Buffer {
  const code = Buffer.alloc(codeBytes, 0xf4);
  let at = 0;
  const put = (...bytes: number[]): void => bytes.forEach((byte) => code.writeUInt8(byte, at++));
  const leaRbx = (target: number): void => {
    put(0x48, 0x8d, 0x1d);
    code.writeInt32LE(target - headerBytes - (at + 4), at);
    at += 4;
  };
  leaRbx(tableAt);
  const next = at;
  put(0x48, 0x8b, 0x03); // mov rax, [rbx]
  put(0x48, 0x8b, 0x7b, 8, 0x48, 0x8b, 0x73, 16, 0x48, 0x8b, 0x53, 24); // rdi, rsi, rdx
  put(0x4c, 0x8b, 0x53, 32, 0x4c, 0x8b, 0x43, 40, 0x4c, 0x8b, 0x4b, 48); // r10, r8, r9
  put(0x0f, 0x05, 0x48, 0x85, 0xc0); // syscall; test rax, rax
  put(0x79, 16); // jns over the next 16 bytes
  put(0x48, 0x83, 0x7b, 56, 0, 0x75, 9); // cmp qword [rbx+56], 0; jne over 9
  leaRbx(failureAt);
  put(0xeb, (next - (at + 2)) & 0xff);
  put(0x48, 0x83, 0xc3, entryBytes); // add rbx, 64
  put(0xeb, (next - (at + 2)) & 0xff);
  return code;
}

/** The same with `x19`. */
function codeArm64(tableAt: number, failureAt: number): Buffer {
  const words: number[] = [];
  const adrX19 = (target: number): number => {
    const distance = target - headerBytes - words.length * 4;
    return (0x10000000 | ((distance & 3) << 29) | (((distance >> 2) & 0x7ffff) << 5) | 19) >>> 0;
  };
  words.push(adrX19(tableAt));
  words.push(0xf9400268, 0xa9408660, 0xa9418e62, 0xa9429664, 0xd4000001); // ldr x8; ldp x0..x5; svc
  words.push((0xb6f80000 | (5 << 5)) >>> 0); // tbz x0, #63, to the add
  words.push(0xf9401e69, (0xb5000000 | (3 << 5) | 9) >>> 0); // ldr x9; cbnz x9, to the add
  words.push(adrX19(failureAt));
  words.push((0x14000000 | ((1 - words.length) & 0x3ffffff)) >>> 0); // b to the ldr
  words.push(0x91010273); // add x19, x19, #64
  words.push((0x14000000 | ((1 - words.length) & 0x3ffffff)) >>> 0);
  const code = Buffer.alloc(codeBytes);
  words.forEach((word, index) => code.writeUInt32LE(word, index * 4));
  return code;
}
