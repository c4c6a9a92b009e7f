// Small vocabularies, learnt from the sentences: enough to meet every rule of a model.
import {sentences} from './strings.mjs';

const corpus = [...sentences, ...sentences.map((s) => s.toLowerCase())].join(' ');

const byteCharacters = (() => {
  const prints = (b) => (b >= 33 && b <= 126) || (b >= 0xa1 && b <= 0xac) || b >= 0xae;
  let next = 256;
  return Array.from({length: 256}, (_, b) => String.fromCharCode(prints(b) ? b : next++));
})();
export const spell = (text) => [...new TextEncoder().encode(text)].map((b) => byteCharacters[b]).join('');

function counted(items) {
  const counts = new Map();
  for (const item of items) counts.set(item, (counts.get(item) ?? 0) + 1);
  return counts;
}

// `words` are arrays of symbols. Returns the merges, most frequent pair first.
function learnMerges(words, count) {
  const merges = [];
  const seen = new Set();
  while (merges.length < count) {
    const pairs = counted(words.flatMap((w) => w.slice(1).map((s, i) => w[i] + ' ' + s)));
    const best = [...pairs].filter(([p]) => !seen.has(p))
      .sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))[0];
    if (!best || best[1] < 2) break;
    seen.add(best[0]);
    const [left, right] = best[0].split(' ');
    merges.push([left, right]);
    words = words.map((word) => {
      const merged = [];
      for (const symbol of word) {
        if (merged.at(-1) === left && symbol === right) merged[merged.length - 1] = left + right;
        else merged.push(symbol);
      }
      return merged;
    });
  }
  return merges;
}

const index = (tokens) => Object.fromEntries([...new Set(tokens)].map((token, id) => [token, id]));

export function byteLevelBpe(first, merges = 700) {
  const words = (corpus.match(/ ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+/gu)).map((w) => [...spell(w)]);
  const learnt = learnMerges(words, merges);
  return {vocab: index([...first, ...byteCharacters, ...learnt.map((m) => m.join(''))]), merges: learnt};
}

export function characterBpe(first, {suffix = '', prefix = '', blank = ''} = {}) {
  const words = corpus.match(/\S+/gu).map((word) => {
    const symbols = [...(blank + word)].map((c, i) => (i > 0 ? prefix + c : c));
    if (suffix) symbols[symbols.length - 1] += suffix;
    return symbols;
  });
  const strip = (s) => (prefix && s.startsWith(prefix) ? s.slice(prefix.length) : s);
  const learnt = prefix ? [] : learnMerges(words, 500);
  const symbols = [...new Set(words.flat())].filter((s) => strip(s).codePointAt(0) < 0x3000);
  const tokens = new Set(symbols);
  const kept = learnt.filter(([left, right]) => tokens.has(left) && tokens.has(right) && tokens.add(left + right));
  return {vocab: index([...first, ...symbols, ...kept.map((m) => m.join(''))]), merges: kept};
}

export function wordPieces(first, prefix = '##') {
  const words = corpus.normalize('NFD').replace(/\p{Mn}/gu, '').concat(' ', corpus).split(/[^\p{L}\p{N}]+/u);
  const characters = [...new Set([...corpus, ...corpus.normalize('NFD')])].filter((c) => !/\s/.test(c));
  const whole = words.filter((_, i) => i % 3);
  const parts = words.flatMap((w) => [w.slice(0, 3), prefix + w.slice(3), prefix + w.slice(2, 4), prefix + w.slice(-3)]);
  return index([...first, ...characters, ...characters.filter((_, i) => i % 7).map((c) => prefix + c), ...whole,
    ...parts].filter((t) => t !== '' && t !== prefix));
}

export function unigramPieces(first) {
  const text = corpus.normalize('NFKC').replace(/\s+/g, '▁');
  const counts = new Map();
  const characters = [...text];
  for (let size = 1; size <= 6; ++size) {
    for (let i = 0; i + size <= characters.length; ++i) {
      const piece = characters.slice(i, i + size).join('');
      if (size === 1 || !piece.slice(1).includes('▁')) counts.set(piece, (counts.get(piece) ?? 0) + 1);
    }
  }
  const pieces = [...counts].filter(([p, n]) => [...p].length === 1 ? p.codePointAt(0) < 0x4e00 : n > 2)
    .sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).slice(0, 1500)
    .map(([p, n]) => [p, Math.round(Math.log(n / characters.length) * 1e4) / 1e4]);
  return [...first.map((t) => [t, 0]), ...pieces.filter(([p]) => !first.includes(p))];
}

export const words = (first) => index([...first, ...corpus.match(/[\p{L}\p{M}\p{N}_]+|[^\p{L}\p{M}\p{N}_\s]+/gu)]);
