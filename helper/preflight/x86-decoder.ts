/**
 * Where one x86-64 instruction ends, and what distinguishes it: enough to walk through code, not to understand it.
 *
 * As Intel's manual has it (volume 2, "Instruction Format" and appendix A), for 64-bit mode.
 */

export type Encoding = 'legacy' | 'vex' | 'evex';

/** One object, filled in again for each instruction: there are millions. */
export interface Instruction {
  encoding: Encoding;
  /** 0 one byte, 1 after 0F, 2 after 0F 38, 3 after 0F 3A; with EVEX also 5 and 6. */
  map: number;
  opcode: number;
  /** The prefix that counts as part of the opcode: 0 none, 1 66, 2 F3, 3 F2, as VEX numbers them. */
  prefix: number;
  /** Undefined as −1. */
  modrm: number;
  isWide: boolean;
  /** 0 for 128 bits, 1 for 256, 2 for 512. */
  length: number;
}

export function newInstruction(): Instruction {
  return { encoding: 'legacy', map: 0, opcode: 0, prefix: 0, modrm: -1, isWide: false, length: 0 };
}

/** What follows an opcode: 1 ModRM, 2 one byte, 4 two or four bytes by operand size, 8 two bytes, 16 not valid. */
const MODRM = 1;
const IMM8 = 2;
const IMMZ = 4;
const IMM16 = 8;
const INVALID = 16;

function table(rows: readonly [ranges: string, what: number][]): Uint8Array {
  const result = new Uint8Array(256);
  for (const [ranges, what] of rows) {
    for (const range of ranges.split(' ')) {
      const [first, last = first] = range.split('-').map((text) => Number.parseInt(text, 16)) as [number, number?];
      for (let opcode = first; opcode <= last!; opcode++) result[opcode] = what;
    }
  }
  return result;
}

const alu = [0, 8, 0x10, 0x18, 0x20, 0x28, 0x30, 0x38];
const hex = (value: number): string => value.toString(16);
const oneByte = table([
  [alu.map((base) => `${hex(base)}-${hex(base + 3)}`).join(' '), MODRM],
  [`${alu.map((base) => hex(base + 4)).join(' ')} 6a 70-7f a8 b0-b7 cd e0-e7 eb`, IMM8],
  [`${alu.map((base) => hex(base + 5)).join(' ')} 68 a9 e8 e9`, IMMZ],
  ['6 7 e 16 17 1e 1f 27 2f 37 3f 60 61 82 9a ce d4-d6 ea', INVALID],
  ['63 84-8f d0-d3 d8-df f6 f7 fe ff', MODRM],
  ['69 81 c7', MODRM | IMMZ],
  ['6b 80 83 c0 c1 c6', MODRM | IMM8],
  ['c2 ca', IMM16],
  ['c8', IMM16 | IMM8],
]);
const twoByte = table([
  ['0-ff', MODRM],
  ['5-9 b e 30-35 37 77 a0-a2 a8-aa c8-cf', 0],
  ['4 a c 24-27 36 39 3b-3f', INVALID],
  ['80-8f', IMMZ],
  ['f 70-73 a4 ac ba c2 c4-c6', MODRM | IMM8],
]);
/** After 0F in VEX and EVEX: those with a byte behind. */
const vectorImmediate = table([['70-73 c2 c4-c6', 1]]);

/** The position after the instruction at `at`, or −1 where none stands there. Reads up to 15 bytes and needs them. */
export function decode(code: Uint8Array, at: number, into: Instruction): number {
  let position = at;
  let hasOperandSize = false;
  let hasAddressSize = false;
  let repeat = 0;
  let rexWide = false;
  let byte = code[position++]!;
  for (let count = 0; count < 14; count++) {
    if (byte === 0x66) hasOperandSize = true;
    else if (byte === 0x67) hasAddressSize = true;
    else if (byte === 0xf2) repeat = 3;
    else if (byte === 0xf3) repeat = 2;
    else if (byte !== 0x2e && byte !== 0x36 && byte !== 0x3e && byte !== 0x26 && byte !== 0x64 && byte !== 0x65 && byte !== 0xf0) break;
    byte = code[position++]!;
  }
  if ((byte & 0xf0) === 0x40) {
    rexWide = (byte & 8) !== 0;
    byte = code[position++]!;
  }
  if (byte === 0xc5 || byte === 0xc4 || byte === 0x62) return decodeVector(code, position, byte, into);
  let what: number;
  into.encoding = 'legacy';
  into.length = 0;
  into.isWide = rexWide;
  into.prefix = repeat !== 0 ? repeat : hasOperandSize ? 1 : 0;
  if (byte === 0x0f) {
    byte = code[position++]!;
    if (byte === 0x38 || byte === 0x3a) {
      into.map = byte === 0x38 ? 2 : 3;
      what = byte === 0x38 ? MODRM : MODRM | IMM8;
      byte = code[position++]!;
    } else {
      into.map = 1;
      what = twoByte[byte]!;
      if (byte === 0x78 && into.prefix !== 0) what = MODRM | IMM16; // SSE4a's have two bytes
    }
  } else {
    into.map = 0;
    what = oneByte[byte]!;
  }
  into.opcode = byte;
  into.modrm = -1;
  if (what === INVALID) return -1;
  if (what & MODRM) {
    into.modrm = code[position]!;
    position = afterOperand(code, position);
    // "test" alone of its group has an immediate.
    if (into.map === 0 && (byte === 0xf6 || byte === 0xf7) && (into.modrm & 0x30) === 0) what |= byte === 0xf6 ? IMM8 : IMMZ;
  } else if (into.map === 0) {
    if (byte >= 0xb8 && byte <= 0xbf) position += rexWide ? 8 : hasOperandSize ? 2 : 4;
    else if (byte >= 0xa0 && byte <= 0xa3) position += hasAddressSize ? 4 : 8;
  }
  if (what & IMM8) position += 1;
  if (what & IMM16) position += 2;
  // Near calls and jumps have four bytes whatever the prefix.
  if (what & IMMZ) position += hasOperandSize && !rexWide && !(into.map === 1 || byte === 0xe8 || byte === 0xe9) ? 2 : 4;
  return position;
}

/** `position` is behind the byte that starts the prefix. */
function decodeVector(code: Uint8Array, start: number, kind: number, into: Instruction): number {
  let position = start;
  const first = code[position++]!;
  if (kind === 0xc5) {
    into.encoding = 'vex';
    into.map = 1;
    into.isWide = false;
    into.length = (first >> 2) & 1;
    into.prefix = first & 3;
  } else {
    const second = code[position++]!;
    into.isWide = (second & 0x80) !== 0;
    into.prefix = second & 3;
    if (kind === 0xc4) {
      into.encoding = 'vex';
      into.map = first & 0x1f;
      into.length = (second >> 2) & 1;
      if (into.map < 1 || into.map > 3) return -1;
    } else {
      const third = code[position++]!;
      into.encoding = 'evex';
      into.map = first & 7;
      into.length = (third >> 5) & 3;
      if ((first & 8) !== 0 || (second & 4) === 0 || into.map === 0 || into.map === 4 || into.map === 7) return -1;
    }
  }
  const opcode = code[position++]!;
  into.opcode = opcode;
  into.modrm = -1;
  if (into.encoding === 'vex' && into.map === 1 && opcode === 0x77) return position; // vzeroupper
  into.modrm = code[position]!;
  position = afterOperand(code, position);
  return into.map === 3 || (into.map === 1 && vectorImmediate[opcode] === 1) ? position + 1 : position;
}

/** Behind ModRM, SIB and displacement. */
function afterOperand(code: Uint8Array, at: number): number {
  const modrm = code[at]!;
  const mod = modrm >> 6;
  if (mod === 3) return at + 1;
  const hasSib = (modrm & 7) === 4;
  const noBase = mod === 0 && (hasSib ? (code[at + 1]! & 7) === 5 : (modrm & 7) === 5);
  return at + 1 + (hasSib ? 1 : 0) + (mod === 1 ? 1 : mod === 2 || noBase ? 4 : 0);
}
