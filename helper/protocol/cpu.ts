/** Features of processors, by Linux's names. */

const pattern = /^(?:avx|sse|ssse|fma|bmi|aes|sha|f16c|popcnt|movbe|vaes|vpclmul|pclmul|gfni|adx|rdrand|rdseed|xsave|lzcnt|abm|amx|asimd|sve|atomics|crc32|pmull)/;

/** Whether a flag of /proc/cpuinfo stands for instructions that programs choose by what the processor says when they start, and then cannot do without. */
export function isInstructionSet(flag: string): boolean {
  return pattern.test(flag);
}
