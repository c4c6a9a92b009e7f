// Makes the files that tests/text/reference_test.cpp reads. In a folder with
//   npm install @huggingface/tokenizers@0.2.0 @anush008/tokenizers@0.6.0
// run `node .../make.mjs OUT`, with OUT this folder's `made`.
//
// The reference is @huggingface/tokenizers. Where it departs from the format's own implementation
// (@anush008/tokenizers binds that) the latter counts: docs/tokenizers.md lists the cases. That one
// knows Unicode 8, so of later characters it has no say; if the two differ on such a text, the
// reference counts for definitions it follows otherwise, and for the others nothing does (a zero).
import fs from 'fs';
import path from 'path';
import {createRequire} from 'module';
import {pathToFileURL} from 'url';
import {applyRules} from './charsmap.mjs';
import {definitions} from './definitions.mjs';
import {digest} from './digest.mjs';
import {makeTexts} from './strings.mjs';
import {inUnicode14, inUnicode8} from './unicode_versions.mjs';

const require = createRequire(pathToFileURL(path.join(process.cwd(), 'x.js')));
const Reference = require('@huggingface/tokenizers').Tokenizer;
const Format = require('@anush008/tokenizers').Tokenizer;
const out = process.argv[2];
const texts = makeTexts(2000, inUnicode14);

function withReference(definition) {
  const normalizer = definition.normalizer?.type === 'Precompiled' ? null : definition.normalizer;
  const tokenizer = new Reference({...definition, normalizer},
    {clean_up_tokenization_spaces: false, unk_token: definition.model.unk_token ?? undefined});
  const prepared = (text) => (text !== null && normalizer !== definition.normalizer ? applyRules(text) : text);
  return (text, pair) => {
    const {ids} = tokenizer.encode(prepared(text), {text_pair: prepared(pair)});
    return digest(ids, ids.map((id) => tokenizer.id_to_token(id)).concat(ids.length ? tokenizer.decode(ids) : ''));
  };
}

function withFormat(definition) {
  const own = definition.normalizer?.type === 'Precompiled';
  const tokenizer = Format.fromString(JSON.stringify({...definition, normalizer: own ? null : definition.normalizer}));
  const prepared = (text) => (own && text !== null ? applyRules(text) : text);
  return async (text, pair) => {
    const encoding = await tokenizer.encode(prepared(text), prepared(pair));
    const ids = encoding.getIds();
    return digest(ids, ids.map((id) => tokenizer.idToToken(id)).concat(ids.length ? await tokenizer.decode(ids, false) : ''));
  };
}

fs.rmSync(out, {recursive: true, force: true});
fs.mkdirSync(out, {recursive: true});
fs.writeFileSync(path.join(out, 'texts.json'), JSON.stringify(texts));
const table = [];
for (const [name, {follows, ...definition}] of Object.entries(definitions)) {
  const reference = withReference(definition);
  const format = withFormat(definition);
  const digests = new BigUint64Array(texts.length);
  const counts = {same: 0, reference: 0, format: 0, neither: 0};
  for (let i = 0; i < texts.length; ++i) {
    const pair = i % 8 === 7 ? texts[(i * 7) % texts.length] || null : null;
    const [a, b] = [reference(texts[i], pair), await format(texts[i], pair)];
    const old = inUnicode8(texts[i] + (pair ?? ''));
    // Where almost every word is unknown, two wrong answers may be the same.
    const told = a === b && (old || follows || definition.model.type !== 'WordLevel');
    const who = told ? 'same' : old ? 'format' : follows ? 'reference' : 'neither';
    digests[i] = who === 'neither' ? 0n : who === 'format' ? b : a;
    ++counts[who];
  }
  fs.writeFileSync(path.join(out, `${name}.json`), JSON.stringify(definition));
  fs.writeFileSync(path.join(out, `${name}.digests`), Buffer.from(digests.buffer));
  table.push({name, ...counts});
}
console.table(table);
