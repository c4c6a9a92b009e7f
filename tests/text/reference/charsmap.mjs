// A small precompiled charsmap: rules in a double array, then their results, in base64.
const rules = new Map();
for (let code = 0xa0; code < 0x3400; ++code) {
  const from = String.fromCodePoint(code);
  const to = from.normalize('NFKC');
  if (to !== from && !/\p{M}/u.test(from)) rules.set(from, to);
}
for (let code = 0xff01; code < 0xffe0; ++code) {
  const from = String.fromCodePoint(code);
  if (from.normalize('NFKC') !== from && code !== 0xff5e) rules.set(from, from.normalize('NFKC'));
}
for (const base of 'aeiouAEIOUnNcCyY') {
  for (const mark of ['\u0300', '\u0301', '\u0302', '\u0303', '\u0308', '\u0327']) {
    const to = (base + mark).normalize('NFC');
    if ([...to].length === 1) rules.set(base + mark, to);
  }
}
for (const blank of '\t\n\f\r\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u200b\u200e\u200f\u2028\u2029\u202f\u205f\u2581\u3000\ufeff\ufffd') rules.set(blank, ' ');
for (const code of [1, 2, 3, 4, 5, 6, 7, 8, 0xb, 0xe, 0xf, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18, 0x19, 0x1a, 0x1b, 0x1c, 0x1d, 0x1e, 0x1f, 0x7f, 0x8f, 0x9f]) rules.set(String.fromCodePoint(code), '');

const encoder = new TextEncoder();
const results = [];
const places = new Map();
let size = 0;
const placeOf = (text) => {
  if (!places.has(text)) {
    const bytes = [...encoder.encode(text), 0];
    places.set(text, size);
    results.push(...bytes);
    size += bytes.length;
  }
  return places.get(text);
};
const root = {next: new Map()};
for (const [from, to] of rules) {
  let node = root;
  for (const byte of encoder.encode(from)) {
    if (!node.next.has(byte)) node.next.set(byte, {next: new Map()});
    node = node.next.get(byte);
  }
  node.value = placeOf(to);
}

// Units: bits 0-7 label, 8 has a value, 10-30 offset (shifted by 8 more when bit 9 is set);
// a value is a unit with bit 31 set. A child is at (node ^ offset) ^ label.
const units = [];
const used = new Set([0]);
const bases = new Set();  // two nodes with one base would share their children
let firstFree = 1;
function place(node, at) {
  const labels = [...node.next.keys()].sort((a, b) => a - b);
  if (node.value !== undefined) labels.unshift(0);
  if (labels.length === 0) return;
  let base = firstFree & ~0xff;
  const fits = (b) => b !== 0 && !bases.has(b) && b !== at && labels.every((l) => !used.has(b ^ l)) && ((at ^ b) < 2 ** 21);
  while (!fits(base)) ++base;
  bases.add(base);
  labels.forEach((l) => used.add(base ^ l));
  while (used.has(firstFree)) ++firstFree;
  units[at] = ((units[at] ?? 0) | ((at ^ base) << 10) | (node.value !== undefined ? 0x100 : 0)) >>> 0;
  for (const label of labels) {
    if (label === 0) units[base] = (node.value | 0x80000000) >>> 0;
    else units[base ^ label] = label;
  }
  for (const label of labels) if (label !== 0) place(node.next.get(label), base ^ label);
}
units[0] = 0;
place(root, 0);
const count = Math.ceil((Math.max(...used) + 1) / 256) * 256;
const blob = new DataView(new ArrayBuffer(4 + 4 * count + results.length));
blob.setUint32(0, 4 * count, true);
for (let i = 0; i < count; ++i) blob.setUint32(4 + 4 * i, units[i] ?? 0, true);
results.forEach((byte, i) => blob.setUint8(4 + 4 * count + i, byte));

// What the rules say, without the double array: the longest rule at each character.
const longest = Math.max(...[...rules.keys()].map((k) => k.length));
export function applyRules(text) {
  let result = '';
  for (let at = 0; at < text.length;) {
    let size = Math.min(longest, text.length - at);
    while (size > 0 && !rules.has(text.slice(at, at + size))) --size;
    const character = String.fromCodePoint(text.codePointAt(at));
    result += size > 0 ? rules.get(text.slice(at, at + size)) : character;
    at += size > 0 ? size : character.length;
  }
  return result;
}
export const charsmap = Buffer.from(blob.buffer).toString('base64');
