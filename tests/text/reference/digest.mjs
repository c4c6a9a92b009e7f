// Two FNV-1a hashes of 32 bits in one number: of the ids, then of the texts, each with a zero.
export function digest(ids, texts) {
  const hashes = [0x811c9dc5, 0x9747b28c];
  const add = (byte) => {
    hashes[0] = Math.imul(hashes[0] ^ byte, 0x01000193);
    hashes[1] = Math.imul(hashes[1] ^ byte, 0x85ebca6b) ^ (hashes[1] >>> 15);
  };
  for (const id of ids) for (let shift = 0; shift < 32; shift += 8) add((id >>> shift) & 255);
  for (const text of texts) {
    for (const byte of Buffer.from(text)) add(byte);
    add(0);
  }
  return (BigInt(hashes[0] >>> 0) << 32n) | BigInt(hashes[1] >>> 0);
}
