/**
 * The instruction sets that code has instructions of, by the names that Linux gives them in /proc/cpuinfo.
 *
 * Said of code that is not known to run: a library that chooses by the processor has them all, and the choice is made once, when its program starts. What
 * is told is therefore what a program may do, never less.
 */
import { decode, newInstruction, type Instruction } from './x86-decoder';

/** Those that are recognised. Of any other nobody can say that a program does without it. */
export const recognisable: ReadonlySet<string> = new Set(
  ('ssse3 sse4_1 sse4_2 sse4a popcnt abm movbe adx aes pclmulqdq sha_ni gfni rdrand rdseed xsave xsaveopt xsavec xsaves xsaveerptr bmi1 bmi2 f16c fma avx avx2 avx_vnni avx_ifma vaes vpclmulqdq '
    + 'avx512f avx512vl avx512bw avx512dq avx512cd avx512ifma avx512vbmi avx512_vbmi2 avx512_vnni avx512_bitalg avx512_vpopcntdq avx512_bf16 avx512_fp16 avx512_vp2intersect amx_tile amx_int8 amx_bf16').split(' '),
);

const within = (opcode: number, ...ranges: number[]): boolean => {
  for (let index = 0; index < ranges.length; index += 2) if (opcode >= ranges[index]! && opcode <= ranges[index + 1]!) return true;
  return false;
};
const isMemory = (modrm: number): boolean => modrm < 0xc0;
const field = (modrm: number): number => (modrm >> 3) & 7;

/** The longest instruction; behind the last one that is looked at there must be as much. */
export const longestBytes = 15;

/** Walks from `from` to `to` and adds what it finds; returns where it stopped, at or a little behind `to`. */
export function findInstructionSets(code: Uint8Array, from: number, to: number, found: Set<string>): number {
  const instruction = newInstruction();
  let at = from;
  while (at < to) {
    const next = decode(code, at, instruction);
    if (next < 0) {
      at++;
      continue;
    }
    // By far most instructions are of the first two maps and plain.
    if (instruction.encoding !== 'legacy') classifyVector(instruction, found);
    else if (instruction.map !== 0) classifyLegacy(instruction, found);
    at = next;
  }
  return at;
}

function classifyLegacy({ map, opcode, prefix, modrm }: Instruction, found: Set<string>): void {
  if (map === 1) {
    if (opcode === 0xb8 && prefix === 2) found.add('popcnt');
    else if (opcode === 0xbd && prefix === 2) found.add('abm');
    else if (opcode === 0xc7) {
      if (!isMemory(modrm) && prefix !== 2) {
        if (field(modrm) === 6) found.add('rdrand');
        if (field(modrm) === 7) found.add('rdseed');
      } else if (field(modrm) === 4 && prefix === 0) found.add('xsavec');
    } else if (opcode === 0xae && prefix === 0 && isMemory(modrm)) {
      if (field(modrm) === 4) found.add('xsave');
      if (field(modrm) === 6) found.add('xsaveopt');
    } else if ((opcode === 0x78 || opcode === 0x79) && (prefix === 1 || prefix === 3)) found.add('sse4a');
    else if (opcode === 0x2b && prefix >= 2) found.add('sse4a');
  } else if (map === 2) {
    if (within(opcode, 0x00, 0x0b, 0x1c, 0x1e)) found.add('ssse3');
    else if (opcode === 0x37 && prefix === 1) found.add('sse4_2');
    else if (prefix === 1 && within(opcode, 0x10, 0x10, 0x14, 0x15, 0x17, 0x17, 0x20, 0x25, 0x28, 0x2b, 0x30, 0x35, 0x38, 0x41)) found.add('sse4_1');
    else if (within(opcode, 0xdb, 0xdf) && prefix === 1) found.add('aes');
    else if (within(opcode, 0xc8, 0xcd) && prefix === 0) found.add('sha_ni');
    else if (opcode === 0xcf && prefix === 1) found.add('gfni');
    else if (within(opcode, 0xf0, 0xf1)) found.add(prefix === 3 ? 'sse4_2' : 'movbe');
    else if (opcode === 0xf6 && (prefix === 1 || prefix === 2)) found.add('adx');
  } else if (opcode === 0x0f) found.add('ssse3');
  else if (prefix === 1 && within(opcode, 0x08, 0x0e, 0x14, 0x17, 0x20, 0x22, 0x40, 0x42)) found.add('sse4_1');
  else if (prefix === 1 && within(opcode, 0x60, 0x63)) found.add('sse4_2');
  else if (prefix === 1 && opcode === 0x44) found.add('pclmulqdq');
  else if (prefix === 1 && opcode === 0xdf) found.add('aes');
  else if (prefix === 1 && within(opcode, 0xce, 0xcf)) found.add('gfni');
  else if (prefix === 0 && opcode === 0xcc) found.add('sha_ni');
}

function classifyVector(instruction: Instruction, found: Set<string>): void {
  const { map, opcode, length } = instruction;
  if (map === 2 && within(opcode, 0xdc, 0xdf)) found.add(length > 0 || instruction.encoding === 'evex' ? 'vaes' : 'aes');
  if (map === 2 && opcode === 0xdb) found.add('aes');
  if (map === 3 && opcode === 0xdf) found.add('aes');
  if (map === 3 && opcode === 0x44) found.add(length > 0 || instruction.encoding === 'evex' ? 'vpclmulqdq' : 'pclmulqdq');
  if ((map === 2 && opcode === 0xcf) || (map === 3 && within(opcode, 0xce, 0xcf))) found.add('gfni');
  if (instruction.encoding === 'vex') classifyVex(instruction, found);
  else classifyEvex(instruction, found);
}

function classifyVex({ map, opcode, prefix, length, modrm, isWide }: Instruction, found: Set<string>): void {
  if (map === 2 && within(opcode, 0xf2, 0xf7)) {
    const isFirst = opcode === 0xf2 || opcode === 0xf3 || (opcode === 0xf7 && prefix === 0);
    found.add(isFirst ? 'bmi1' : 'bmi2');
    return;
  }
  if (map === 3 && opcode === 0xf0) return void found.add('bmi2');
  if ((map === 1 && within(opcode, 0x41, 0x4b, 0x90, 0x93, 0x98, 0x99)) || (map === 3 && within(opcode, 0x30, 0x33))) {
    return void found.add(map === 3 ? (prefix === 1 && isWide ? 'avx512bw' : 'avx512dq') : isWide || prefix === 3 ? 'avx512bw' : prefix === 1 ? 'avx512dq' : 'avx512f'); // masks
  }
  if (map === 2 && (opcode === 0x49 || opcode === 0x4b)) return void found.add('amx_tile');
  if (map === 2 && opcode === 0x5e) return void found.add('amx_int8');
  if (map === 2 && opcode === 0x5c) return void found.add('amx_bf16');
  found.add('avx');
  if (map === 2) {
    if (opcode === 0x13) found.add('f16c');
    else if (within(opcode, 0x96, 0x9f, 0xa6, 0xaf, 0xb6, 0xbf)) found.add('fma');
    else if (within(opcode, 0xb4, 0xb5)) found.add('avx_ifma');
    else if (within(opcode, 0x50, 0x53)) found.add('avx_vnni');
    else if (within(opcode, 0x16, 0x16, 0x36, 0x36, 0x45, 0x47, 0x58, 0x5a, 0x78, 0x79, 0x8c, 0x8e, 0x90, 0x93)) found.add('avx2');
    else if (within(opcode, 0x18, 0x19) && !isMemory(modrm)) found.add('avx2');
    else if (length > 0 && within(opcode, 0x00, 0x0b, 0x1c, 0x1e, 0x20, 0x2b, 0x30, 0x41)) found.add('avx2');
  } else if (map === 3) {
    if (opcode === 0x1d) found.add('f16c');
    else if (within(opcode, 0x00, 0x02, 0x38, 0x39, 0x46, 0x46)) found.add('avx2');
    else if (length > 0 && within(opcode, 0x0e, 0x0f, 0x42, 0x42, 0x4c, 0x4c)) found.add('avx2');
  } else if (length > 0 && within(opcode, 0x60, 0x6d, 0x70, 0x76, 0xd1, 0xd5, 0xd7, 0xe5, 0xe8, 0xef, 0xf1, 0xfe) && opcode !== 0xd6 && opcode !== 0xe6) found.add('avx2');
}

function isHalfPrecision(map: number, opcode: number): boolean {
  return map === 5 ? within(opcode, 0x10, 0x11, 0x1d, 0x1d, 0x2a, 0x2a, 0x2c, 0x2f, 0x51, 0x51, 0x58, 0x5f, 0x6e, 0x6e, 0x78, 0x7e) : within(opcode, 0x13, 0x13, 0x2c, 0x2d, 0x42, 0x43, 0x4c, 0x4f, 0x56, 0x57, 0x96, 0x9f, 0xa6, 0xaf, 0xb6, 0xbf, 0xd6, 0xd7);
}

function classifyEvex({ map, opcode, prefix, length, isWide }: Instruction, found: Set<string>): void {
  if (map < 5) found.add('avx512f');
  const isScalar = map === 1 && prefix >= 2 && !within(opcode, 0x6f, 0x70, 0x7f, 0x7f, 0x7a, 0x7a, 0xe6, 0xe6);
  if (map === 5 || map === 6) {
    if (isHalfPrecision(map, opcode)) found.add('avx512_fp16'); // what is none is a table between functions
    return;
  }
  if (length < 2 && !isScalar) found.add('avx512vl');
  if (map === 1) {
    if (within(opcode, 0x54, 0x57) || (within(opcode, 0x78, 0x7b) && (prefix === 1 || (prefix === 2 && opcode === 0x7a) || isWide))) found.add('avx512dq');
    else if (within(opcode, 0x60, 0x61, 0x63, 0x65, 0x67, 0x69, 0x6b, 0x6b, 0x71, 0x71, 0x74, 0x75, 0xc4, 0xc5, 0xd1, 0xd1, 0xd5, 0xd5, 0xd8, 0xd9, 0xdc, 0xdd, 0xe0, 0xe1, 0xe3, 0xe5, 0xe8, 0xe9, 0xec, 0xed, 0xf1, 0xf1, 0xf5, 0xf6, 0xf8, 0xf9, 0xfc, 0xfd)) found.add('avx512bw');
    else if (prefix >= 2 && within(opcode, 0x6f, 0x70, 0x7f, 0x7f) && (prefix === 3 || opcode === 0x70)) found.add('avx512bw');
    else if (within(opcode, 0xda, 0xda, 0xde, 0xde, 0xea, 0xea, 0xee, 0xee)) found.add('avx512bw');
  } else if (map === 2) {
    if (within(opcode, 0x00, 0x00, 0x04, 0x04, 0x0b, 0x0b, 0x1c, 0x1d, 0x20, 0x20, 0x30, 0x30, 0x38, 0x38, 0x3a, 0x3a, 0x3c, 0x3c, 0x3e, 0x3e, 0x66, 0x66, 0x7a, 0x7b)) found.add('avx512bw');
    else if (within(opcode, 0x10, 0x12) && isWide && prefix === 1) found.add('avx512bw');
    else if (opcode === 0x26 || (within(opcode, 0x28, 0x29) && prefix === 2)) found.add('avx512bw');
    else if (within(opcode, 0x75, 0x75, 0x7d, 0x7d, 0x8d, 0x8d)) found.add(isWide ? 'avx512bw' : 'avx512vbmi');
    else if (opcode === 0x83) found.add('avx512vbmi');
    else if (within(opcode, 0x62, 0x63, 0x70, 0x71, 0x73, 0x73) || (opcode === 0x72 && prefix === 1)) found.add('avx512_vbmi2');
    else if (opcode === 0x72 || (opcode === 0x52 && prefix === 2)) found.add('avx512_bf16');
    else if (within(opcode, 0x50, 0x53)) found.add('avx512_vnni');
    else if (within(opcode, 0x54, 0x54, 0x8f, 0x8f)) found.add('avx512_bitalg');
    else if (opcode === 0x55) found.add('avx512_vpopcntdq');
    else if (within(opcode, 0xb4, 0xb5)) found.add('avx512ifma');
    else if (within(opcode, 0x44, 0x44, 0xc4, 0xc4) || (within(opcode, 0x2a, 0x2a, 0x3a, 0x3a) && prefix === 2)) found.add('avx512cd');
    else if (opcode === 0x68 && prefix === 3) found.add('avx512_vp2intersect');
    else if (opcode === 0x40 && isWide) found.add('avx512dq');
    else if (within(opcode, 0x38, 0x39) && prefix === 2) found.add('avx512dq');
  } else {
    if (within(opcode, 0x0f, 0x0f, 0x14, 0x15, 0x20, 0x20, 0x3e, 0x3f, 0x42, 0x42)) found.add('avx512bw');
    else if (within(opcode, 0x70, 0x73)) found.add('avx512_vbmi2');
    else if (within(opcode, 0x16, 0x16, 0x22, 0x22, 0x50, 0x51, 0x56, 0x57, 0x66, 0x67)) found.add('avx512dq');
    else if (within(opcode, 0x18, 0x1b, 0x38, 0x3b) && isWide === within(opcode, 0x18, 0x19, 0x38, 0x39)) found.add('avx512dq');
  }
}
