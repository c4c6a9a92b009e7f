// node make_sentencepiece.mjs OUT: trains two small sentencepiece models with Debian's package
// `sentencepiece` and writes down what spm_encode makes of the texts (those of one line
// without <s> or </s>, which sentencepiece takes for letters, and without runs so long that the
// rounding of its sums decides between ways that are equally good):
// NAME.model, NAME.ids (one digest a text, a zero for those left out).
import fs from 'fs';
import os from 'os';
import path from 'path';
import {execFileSync} from 'child_process';
import {makeTexts, sentences} from './strings.mjs';
import {digest} from './digest.mjs';
import {inUnicode14} from './unicode_versions.mjs';

const out = process.argv[2];
const work = fs.mkdtempSync(path.join(os.tmpdir(), 'spm-'));
const texts = makeTexts(2000, inUnicode14);
const usable = texts.map((text) => !/[\n\r\0]|<\/?s>|(.)\1{99}/su.test(text) && text.length > 0);
fs.writeFileSync(path.join(work, 'corpus.txt'), [...sentences, ...sentences.map((s) => s.toLowerCase())].join('\n'));
fs.writeFileSync(path.join(work, 'texts.txt'), texts.filter((_, i) => usable[i]).join('\n') + '\n');

const models = {
  spm_unigram: ['--model_type=unigram', '--vocab_size=520', '--normalization_rule_name=nmt_nfkc'],
  spm_bpe: ['--model_type=bpe', '--vocab_size=1000', '--normalization_rule_name=identity', '--byte_fallback',
    '--user_defined_symbols=<extra>', '--remove_extra_whitespaces=false'],
};
fs.mkdirSync(out, {recursive: true});
for (const [name, options] of Object.entries(models)) {
  const prefix = path.join(work, name);
  execFileSync('spm_train', [`--input=${work}/corpus.txt`, `--model_prefix=${prefix}`, ...options,
    '--character_coverage=0.98', '--num_threads=1', '--minloglevel=2']);
  const encoded = execFileSync('spm_encode', [`--model=${prefix}.model`, '--output_format=id', `--input=${work}/texts.txt`],
    {maxBuffer: 1 << 28}).toString().split('\n');
  const digests = new BigUint64Array(texts.length);
  let line = 0;
  for (let i = 0; i < texts.length; ++i) {
    if (!usable[i]) continue;
    digests[i] = digest(encoded[line++].split(' ').filter((n) => n).map(Number), []);
  }
  fs.copyFileSync(`${prefix}.model`, path.join(out, `${name}.model`));
  fs.writeFileSync(path.join(out, `${name}.ids`), Buffer.from(digests.buffer));
}
