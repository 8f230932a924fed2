/** ELF files of 64 bits, little-endian: which processor they are for, what they need, and what of them is only for debuggers. */

const PT_LOAD = 1;
const PT_DYNAMIC = 2;
const PT_INTERP = 3;
const DT_NEEDED = 1;
const DT_STRTAB = 5;
const SHF_ALLOC = 2;
const SHF_INFO_LINK = 0x40;
const sectionBytes = 64;

const machines = { 62: 'x64', 183: 'arm64' };

/** Undefined when it is none. */
export function readElf(file) {
  if (file.length < 64 || file.readUInt32BE(0) !== 0x7f454c46 || file[4] !== 2 || file[5] !== 1) return undefined;
  const segments = [];
  for (let index = 0, at = Number(file.readBigUInt64LE(32)); index < file.readUInt16LE(56); index++, at += 56) {
    const [offset, address, , sizeBytes] = [8, 16, 24, 32].map((field) => Number(file.readBigUInt64LE(at + field)));
    segments.push({ type: file.readUInt32LE(at), offset, address, sizeBytes });
  }
  const text = (at) => file.toString('latin1', at, file.indexOf(0, at));
  const dynamic = segments.find(({ type }) => type === PT_DYNAMIC);
  const entries = [];
  for (let at = dynamic?.offset ?? 0; dynamic && at < dynamic.offset + dynamic.sizeBytes; at += 16) entries.push([Number(file.readBigUInt64LE(at)), Number(file.readBigUInt64LE(at + 8))]);
  const names = entries.find(([tag]) => tag === DT_STRTAB)?.[1] ?? 0;
  const holder = segments.find(({ type, address, sizeBytes }) => type === PT_LOAD && names >= address && names < address + sizeBytes);
  const needed = entries.filter(([tag]) => tag === DT_NEEDED).map(([, name]) => text(names - holder.address + holder.offset + name));
  const interpreter = segments.find(({ type }) => type === PT_INTERP);
  return { arch: machines[file.readUInt16LE(18)], needed, segments, interpreter: interpreter && text(interpreter.offset) };
}

/**
 * Without symbols and debugging data, which are a seventh of Node: everything that stands in the file behind what is loaded. The headers of loaded sections stay, for
 * whoever injects something.
 */
export function stripElf(file) {
  const { segments } = readElf(file);
  const loadedEnd = Math.max(...segments.filter(({ type }) => type === PT_LOAD).map(({ offset, sizeBytes }) => offset + sizeBytes));
  const at = Number(file.readBigUInt64LE(40));
  const count = file.readUInt16LE(60);
  const namesAt = Number(file.readBigUInt64LE(at + file.readUInt16LE(62) * sectionBytes + 24));
  const all = Array.from({ length: count }, (_, index) => file.subarray(at + index * sectionBytes, at + (index + 1) * sectionBytes));
  const kept = all.map((header, index) => ({ header, index })).filter(({ header, index }) => index === 0 || (Number(header.readBigUInt64LE(8)) & SHF_ALLOC) !== 0);
  const newIndex = new Map(kept.map(({ index }, position) => [index, position]));
  let names = '\0';
  const headers = kept.map(({ header, index }) => {
    const copy = Buffer.from(header);
    if (index === 0) return copy;
    const nameAt = namesAt + header.readUInt32LE(0);
    copy.writeUInt32LE(names.length, 0);
    names += `${file.toString('latin1', nameAt, file.indexOf(0, nameAt))}\0`;
    copy.writeUInt32LE(newIndex.get(header.readUInt32LE(40)) ?? 0, 40);
    if ((Number(header.readBigUInt64LE(8)) & SHF_INFO_LINK) !== 0) copy.writeUInt32LE(newIndex.get(header.readUInt32LE(44)) ?? 0, 44);
    return copy;
  });
  const own = Buffer.alloc(sectionBytes);
  own.writeUInt32LE(names.length, 0);
  names += '.shstrtab\0';
  own.writeUInt32LE(3, 4); // a table of strings
  own.writeBigUInt64LE(BigInt(loadedEnd), 24);
  own.writeBigUInt64LE(BigInt(names.length), 32);
  own.writeBigUInt64LE(1n, 48);
  headers.push(own);
  const padding = Buffer.alloc((8 - ((loadedEnd + names.length) % 8)) % 8);
  const result = Buffer.concat([file.subarray(0, loadedEnd), Buffer.from(names, 'latin1'), padding, ...headers]);
  result.writeBigUInt64LE(BigInt(loadedEnd + names.length + padding.length), 40);
  result.writeUInt16LE(headers.length, 60);
  result.writeUInt16LE(headers.length - 1, 62);
  return result;
}
