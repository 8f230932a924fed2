/** An asar archive of a few small files: two Chromium pickles (the size of the header, the header), then the files one after another. */
export function makeAsar(files) {
  let offset = 0;
  const entries = {};
  const contents = Object.entries(files).map(([name, text]) => {
    const content = Buffer.from(text);
    entries[name] = { size: content.length, offset: String(offset) };
    offset += content.length;
    return content;
  });
  const json = Buffer.from(JSON.stringify({ files: entries }));
  const padded = Buffer.concat([json, Buffer.alloc((4 - (json.length % 4)) % 4)]);
  const header = Buffer.concat([uint32(4 + padded.length), uint32(json.length), padded]);
  return Buffer.concat([uint32(4), uint32(header.length), header, ...contents]);
}

function uint32(value) {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32LE(value);
  return buffer;
}
