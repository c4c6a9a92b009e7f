// node reference.mjs MODULES DEFINITION TEXTS OUT: how fast @huggingface/tokenizers encodes the
// texts, on one thread; the median of five passes after one that does not count.
import fs from 'fs';
import path from 'path';
import {createRequire} from 'module';

const [modules, definition, textsFile, out] = process.argv.slice(2);
const require = createRequire(path.resolve(modules, 'x.js'));
const {Tokenizer} = require('@huggingface/tokenizers');
const json = (file) => JSON.parse(fs.readFileSync(file, 'utf8'));

const tokenizer = new Tokenizer(json(definition), {});
const texts = json(textsFile);
const seconds = [];
let tokens = 0;
for (let pass = 0; pass < 6; ++pass) {
  tokens = 0;
  const begin = process.hrtime.bigint();
  for (const text of texts) tokens += tokenizer.encode(text).ids.length;
  if (pass > 0) seconds.push(Number(process.hrtime.bigint() - begin) / 1e9);
}
seconds.sort((a, b) => a - b);
fs.writeFileSync(out, JSON.stringify({tokens, tokens_per_s: tokens / seconds[2]}));
