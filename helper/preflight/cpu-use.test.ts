import { openSync, readSync, closeSync, existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { codeMappings, instructionSetsIn, isProgram } from './cpu-use';
import { findInstructionSets, longestBytes } from './instruction-sets';
import { decode, newInstruction } from './x86-decoder';

const bytes = (text: string): Buffer => Buffer.concat([Buffer.from(text.replaceAll(' ', ''), 'hex'), Buffer.alloc(2 * longestBytes)]);

describe('decode', () => {
  it.each([
    ['nop', '90', 1],
    ['mov rax, imm64', '48 b8 0102030405060708', 10],
    ['mov eax, [rip+4]', '8b 05 04000000', 6],
    ['mov eax, [rsp+8]', '8b 44 24 08', 4],
    ['mov [rax*8+disp32], cx', '66 89 0c c5 00010000', 8],
    ['test byte [rdi], 1', 'f6 07 01', 3],
    ['not byte [rdi]', 'f6 17', 2],
    ['add ax, imm16', '66 05 0102', 4],
    ['jmp rel32 with a prefix', 'f2 e9 00000000', 6],
    ['jne rel32', '0f 85 00010000', 6],
    ['palignr xmm, xmm, 1', '66 0f 3a 0f c1 01', 6],
    ['vzeroupper', 'c5 f8 77', 3],
    ['vpshufd ymm, [rax+1], 3', 'c5 fd 70 40 01 03', 6],
    ['vpermq ymm, ymm, 1', 'c4 e3 fd 00 c1 01', 6],
    ['vmovdqu64 zmm, [rsi+disp8*64]', '62 f1 fe 48 6f 46 01', 7],
    ['enter', 'c8 1000 00', 4],
    ['movabs al, [moffs64]', 'a0 0102030405060708', 9],
  ])('%s', (_name, code, length) => expect(decode(bytes(code), 0, newInstruction())).toBe(length));

  it.each([['push es, of 32 bits', '06'], ['a far call of 32 bits', '9a'], ['an EVEX prefix that is none', '62 08 00 00']])('takes no %s', (_name, code) => expect(decode(bytes(code), 0, newInstruction())).toBe(-1));
});

describe('findInstructionSets', () => {
  it.each([
    ['popcnt eax, ecx', 'f3 0f b8 c1', ['popcnt']],
    ['rep bsf, which old processors take for bsf', 'f3 0f bc c1', []],
    ['sha256rnds2', '0f 38 cb ca', ['sha_ni']],
    ['aesenc', '66 0f 38 dc c1', ['aes']],
    ['vaesenc of 256 bits', 'c4 e2 75 dc c2', ['avx', 'vaes']],
    ['crc32', 'f2 0f 38 f0 c1', ['sse4_2']],
    ['rdrand eax', '0f c7 f0', ['rdrand']],
    ['cmpxchg8b [rax]', '0f c7 08', []],
    ['vaddps xmm', 'c5 f0 58 c2', ['avx']],
    ['vpaddd xmm', 'c5 f1 fe c2', ['avx']],
    ['vpaddd ymm', 'c5 f5 fe c2', ['avx', 'avx2']],
    ['vfmadd213ps', 'c4 e2 71 a8 c2', ['avx', 'fma']],
    ['andn', 'c4 e2 78 f2 c1', ['bmi1']],
    ['rorx', 'c4 e3 7b f0 c1 05', ['bmi2']],
    ['kmovw k1, eax', 'c5 f8 92 c8', ['avx512f']],
    ['vmovdqu64 zmm', '62 f1 fe 48 6f 06', ['avx512f']],
    ['vpcmpeqb k, ymm', '62 f1 75 28 74 ca', ['avx512bw', 'avx512f', 'avx512vl']],
    ['vpermb zmm', '62 f2 75 48 8d c2', ['avx512f', 'avx512vbmi']],
    ['vpdpbusd zmm', '62 f2 75 48 50 c2', ['avx512_vnni', 'avx512f']],
    ['plain code', '55 48 89 e5 5d c3', []],
  ])('%s', (_name, code, sets) => {
    const found = new Set<string>();
    const at = findInstructionSets(bytes(code), 0, code.replaceAll(' ', '').length / 2, found);
    expect([...found].sort()).toEqual(sets);
    expect(at).toBe(code.replaceAll(' ', '').length / 2);
  });
});

/** The executable segment of an ELF file. */
function codeOf(path: string): { offset: number; sizeBytes: number } {
  const fd = openSync(path, 'r');
  const head = Buffer.alloc(4096);
  readSync(fd, head, 0, head.length, 0);
  closeSync(fd);
  for (let at = Number(head.readBigUInt64LE(32)), index = 0; index < head.readUInt16LE(56); index++, at += 56) {
    if (head.readUInt32LE(at) === 1 && (head.readUInt32LE(at + 4) & 1) === 1) return { offset: Number(head.readBigUInt64LE(at + 8)), sizeBytes: Number(head.readBigUInt64LE(at + 32)) };
  }
  throw new Error(`${path} has no code`);
}

describe.skipIf(process.arch !== 'x64')('real programs', () => {
  const sets = async (path: string): Promise<string[]> => {
    const { offset, sizeBytes } = codeOf(path);
    return [...(await instructionSetsIn(path, offset, sizeBytes))];
  };

  it('are told from what else is executed', async () => {
    expect(await isProgram('/bin/true')).toBe(true);
    expect(await isProgram(import.meta.filename)).toBe(false);
  });

  it('of Debian run on any processor', async () => {
    for (const program of ['/bin/true', '/bin/sh', '/usr/bin/perl']) expect(await sets(program), program).toEqual([]);
  });

  it('find what the C library chooses from', async () => {
    const found = await sets('/lib/x86_64-linux-gnu/libc.so.6');
    expect(found).toEqual(expect.arrayContaining(['ssse3', 'sse4_2', 'avx', 'avx2', 'bmi2', 'avx512f', 'avx512vl', 'avx512bw']));
    expect(found.filter((set) => /^(?:aes|sha_ni|vaes|gfni|adx|avx512_|amx)/.test(set))).toEqual([]);
  });

  it('find what cryptography chooses from', async () => {
    const library = '/usr/lib/x86_64-linux-gnu/libcrypto.so.3';
    expect(existsSync(library)).toBe(true);
    expect(await sets(library)).toEqual(expect.arrayContaining(['aes', 'sha_ni', 'pclmulqdq', 'adx', 'rdrand', 'avx512ifma']));
  });
});

describe('codeMappings', () => {
  it('tells files from what a program has made itself', () => {
    const maps = [
      '55d0c0000000-55d0c0002000 r--p 00000000 fe:00 131 /usr/bin/sleep',
      '55d0c0002000-55d0c0006000 r-xp 00002000 fe:00 131 /usr/bin/sleep',
      '7f0000000000-7f0000001000 r-xp 00028000 fe:00 132 /usr/lib/a library.so (deleted)',
      '7f0000100000-7f0000200000 rwxp 00000000 00:00 0 ',
      '7f0000300000-7f0000400000 r-xp 00000000 00:01 77 /memfd:doublemapper (deleted)',
      '7ffd00000000-7ffd00002000 r-xp 00000000 00:00 0                          [vdso]',
    ].join('\n');
    expect(codeMappings(maps)).toEqual([
      { start: '55d0c0002000', end: '55d0c0006000', offset: 0x2000, sizeBytes: 0x4000, file: '/usr/bin/sleep' },
      { start: '7f0000000000', end: '7f0000001000', offset: 0x28000, sizeBytes: 0x1000, file: '/usr/lib/a library.so (deleted)' },
      { start: '7f0000100000', end: '7f0000200000', offset: 0, sizeBytes: 0x100000, file: undefined },
      { start: '7f0000300000', end: '7f0000400000', offset: 0, sizeBytes: 0x100000, file: undefined },
    ]);
  });
});
