// Tokenizer definitions: every component of the format at least once.
import {byteLevelBpe, characterBpe, unigramPieces, wordPieces, words} from './training.mjs';
import {charsmap} from './charsmap.mjs';

const added = (vocab, contents, more = {}) => contents.map((content) => ({
  id: Array.isArray(vocab) ? vocab.findIndex(([t]) => t === content) : vocab[content],
  content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true, ...more}));

const beyond = (vocab, more, content) => ({[content]: Object.keys(vocab).length + more});

const sequence = (key, ...steps) => ({type: 'Sequence', [key]: steps});
const normalizers = (...steps) => sequence('normalizers', ...steps);
const preTokenizers = (...steps) => sequence('pretokenizers', ...steps);
const decoders = (...steps) => sequence('decoders', ...steps);

// follows: the reference has no known departure in any of its parts.
function definition(parts) {
  return {version: '1.0', truncation: null, padding: null, added_tokens: [], normalizer: null,
    pre_tokenizer: null, post_processor: null, decoder: null, ...parts};
}

function template(cls, sep, ids, single, pair) {
  const item = (text) => {
    const [id, type] = text.split(':');
    const kind = id === 'A' || id === 'B' ? 'Sequence' : 'SpecialToken';
    return {[kind]: {id, type_id: Number(type)}};
  };
  return {type: 'TemplateProcessing', single: single.map(item), pair: pair.map(item),
    special_tokens: Object.fromEntries([cls, sep].map((t) => [t, {id: t, ids: [ids[t]], tokens: [t]}]))};
}
const idsOf = (vocab) => Array.isArray(vocab) ? Object.fromEntries(vocab.map(([t], i) => [t, i])) : vocab;
const bertTemplate = (vocab, cls = '[CLS]', sep = '[SEP]') => template(cls, sep, idsOf(vocab),
  [`${cls}:0`, 'A:0', `${sep}:0`], [`${cls}:0`, 'A:0', `${sep}:0`, 'B:1', `${sep}:1`]);
const robertaTemplate = (vocab) => template('<s>', '</s>', idsOf(vocab),
  ['<s>:0', 'A:0', '</s>:0'], ['<s>:0', 'A:0', '</s>:0', '</s>:0', 'B:0', '</s>:0']);

const bertFirst = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'];
const robertaFirst = ['<s>', '<pad>', '</s>', '<unk>', '<mask>'];
const byteFallback = Array.from({length: 256}, (_, b) => `<0x${b.toString(16).toUpperCase().padStart(2, '0')}>`);

const pieces = wordPieces(bertFirst);
const wordPiece = (vocab = pieces, more = {}) => ({type: 'WordPiece', unk_token: '[UNK]',
  continuing_subword_prefix: '##', max_input_chars_per_word: 100, vocab, ...more});
const level = words(['[UNK]']);
const wordLevel = {type: 'WordLevel', vocab: level, unk_token: '[UNK]'};
const bytes = byteLevelBpe(robertaFirst);
const endOfText = byteLevelBpe(['<|endoftext|>'], 500);
const bpe = (parts, more = {}) => ({type: 'BPE', dropout: null, unk_token: null,
  continuing_subword_prefix: '', end_of_word_suffix: '', fuse_unk: false, byte_fallback: false,
  ignore_merges: false, ...parts, ...more});
const oldMerges = (parts) => ({...parts, merges: parts.merges.map((m) => m.join(' '))});
const unigram = unigramPieces(['<s>', '<pad>', '</s>', '<unk>', '<mask>']);
const unigramBytes = unigramPieces(['<unk>', '<s>', '</s>', ...byteFallback]);
const llama = characterBpe(['<unk>', '<s>', '</s>', ...byteFallback], {blank: '▁'});
const clip = characterBpe(['<unk>'], {suffix: '</w>'});

const cl100k = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
const qwen = cl100k.replace('{1,3}', '');
const split = (pattern, behavior, invert = false) => ({type: 'Split', pattern, behavior, invert});
const byteLevel = (more = {}) => ({type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true, ...more});
const metaspace = (scheme, splits = true) => ({type: 'Metaspace', replacement: '▁', prepend_scheme: scheme, split: splits});
const bertNormalizer = (lowercase, strip_accents, more = {}) => ({type: 'BertNormalizer', clean_text: true,
  handle_chinese_chars: true, strip_accents, lowercase, ...more});
const bertPre = {type: 'BertPreTokenizer'};
const wordPieceDecoder = {type: 'WordPiece', prefix: '##', cleanup: true};
const byteDecoder = byteLevel({add_prefix_space: true});

export const definitions = {
  bert_uncased: definition({added_tokens: added(pieces, bertFirst), normalizer: bertNormalizer(true, null),
    pre_tokenizer: bertPre, model: wordPiece(), post_processor: bertTemplate(pieces), decoder: wordPieceDecoder}),
  bert_cased: definition({follows: true, added_tokens: added(pieces, bertFirst), normalizer: bertNormalizer(false, null),
    pre_tokenizer: bertPre, model: wordPiece(), decoder: {...wordPieceDecoder, cleanup: false},
    post_processor: {type: 'BertProcessing', sep: ['[SEP]', pieces['[SEP]']], cls: ['[CLS]', pieces['[CLS]']]}}),
  bert_odd: definition({added_tokens: added(pieces, bertFirst), pre_tokenizer: bertPre,
    normalizer: bertNormalizer(true, false, {clean_text: false, handle_chinese_chars: false}),
    model: wordPiece(pieces, {max_input_chars_per_word: 6}), decoder: wordPieceDecoder}),
  bert_accents: definition({normalizer: bertNormalizer(false, true), pre_tokenizer: bertPre, model: wordPiece()}),
  added_tokens: definition({normalizer: {type: 'Lowercase'}, pre_tokenizer: {type: 'WhitespaceSplit'},
    model: wordPiece(), decoder: wordPieceDecoder, added_tokens: [
      ...added(pieces, ['[MASK]'], {lstrip: true}), ...added(pieces, ['[SEP]'], {rstrip: true}),
      ...added(beyond(pieces, 0, '[NEW]'), ['[NEW]'], {lstrip: true, rstrip: true}),
      ...added(beyond(pieces, 1, 'magic'), ['magic'], {special: false, normalized: true, single_word: true}),
      ...added(beyond(pieces, 2, '<extra>'), ['<extra>'], {special: false, normalized: true})]}),
  words_nfc: definition({normalizer: {type: 'NFC'}, pre_tokenizer: {type: 'Whitespace'}, model: wordLevel}),
  words_nfd_strip: definition({normalizer: normalizers({type: 'Strip', strip_left: true, strip_right: true},
    {type: 'NFD'}, {type: 'StripAccents'}), pre_tokenizer: {type: 'WhitespaceSplit'}, model: wordLevel}),
  words_nfkc_digits: definition({normalizer: {type: 'NFKC'}, model: wordLevel,
    pre_tokenizer: preTokenizers({type: 'WhitespaceSplit'}, {type: 'Digits', individual_digits: true},
      {type: 'Punctuation', behavior: 'Isolated'})}),
  words_nfkd_runs: definition({normalizer: {type: 'NFKD'}, model: wordLevel,
    pre_tokenizer: preTokenizers({type: 'WhitespaceSplit'}, {type: 'Punctuation', behavior: 'Contiguous'},
      {type: 'Digits', individual_digits: false})}),
  split_next: definition({model: wordLevel, pre_tokenizer: split({String: ' '}, 'MergedWithNext')}),
  split_previous: definition({model: wordLevel, pre_tokenizer: split({Regex: '[\\s.,;]'}, 'MergedWithPrevious')}),
  split_removed: definition({follows: true, model: wordLevel, pre_tokenizer: preTokenizers(split({Regex: '\\s+'}, 'Removed'),
    split({Regex: '\\w+|[^\\w\\s]'}, 'Removed', true))}),
  replaced: definition({model: wordLevel, pre_tokenizer: {type: 'WhitespaceSplit'}, normalizer: normalizers(
    {type: 'Replace', pattern: {String: '.'}, content: ' dot '}, {type: 'Replace', pattern: {Regex: '[0-9]+'}, content: '#'},
    {type: 'Prepend', prepend: 'the '}, {type: 'Lowercase'})}),
  fixed_length: definition({model: wordLevel, pre_tokenizer: {type: 'FixedLength', length: 3}}),
  ctc: definition({follows: true, model: wordLevel, pre_tokenizer: split({Regex: '.'}, 'Isolated'),
    decoder: {type: 'CTC', pad_token: '<pad>', word_delimiter_token: '|', cleanup: true}}),
  gpt2: definition({added_tokens: added(endOfText.vocab, ['<|endoftext|>']), pre_tokenizer: byteLevel(),
    model: bpe(oldMerges(endOfText)), post_processor: byteLevel({trim_offsets: false}), decoder: byteDecoder}),
  roberta: definition({added_tokens: [...added(bytes.vocab, robertaFirst.slice(0, 4)),
    ...added(bytes.vocab, ['<mask>'], {lstrip: true})], pre_tokenizer: byteLevel({add_prefix_space: true}),
    model: bpe(bytes), decoder: byteDecoder, post_processor: {type: 'RobertaProcessing', sep: ['</s>', bytes.vocab['</s>']],
      cls: ['<s>', bytes.vocab['<s>']], trim_offsets: true, add_prefix_space: true}}),
  llama3: definition({follows: true, added_tokens: added(bytes.vocab, ['<s>', '</s>']), model: bpe(bytes, {ignore_merges: true}),
    pre_tokenizer: preTokenizers(split({Regex: cl100k}, 'Isolated'), byteLevel({use_regex: false})), decoder: byteDecoder,
    post_processor: sequence('processors', byteLevel(), template('<s>', '</s>', bytes.vocab, ['<s>:0', 'A:0'], ['<s>:0', 'A:0', '<s>:1', 'B:1']))}),
  qwen: definition({follows: true, normalizer: {type: 'NFC'}, model: bpe(bytes), decoder: byteDecoder,
    pre_tokenizer: preTokenizers(split({Regex: qwen}, 'Isolated'), byteLevel({use_regex: false}))}),
  modernbert: definition({normalizer: {type: 'NFC'}, pre_tokenizer: byteLevel(), model: bpe(bytes), decoder: byteDecoder,
    added_tokens: added(bytes.vocab, ['<mask>'], {lstrip: true}), post_processor: robertaTemplate(bytes.vocab)}),
  llama2: definition({added_tokens: added(llama.vocab, ['<unk>', '<s>', '</s>']), normalizer: normalizers(
    {type: 'Prepend', prepend: '▁'}, {type: 'Replace', pattern: {String: ' '}, content: '▁'}),
    model: bpe(llama, {unk_token: '<unk>', fuse_unk: true, byte_fallback: true}),
    post_processor: template('<s>', '<s>', llama.vocab, ['<s>:0', 'A:0'], ['<s>:0', 'A:0', '<s>:1', 'B:1']),
    decoder: decoders({type: 'Replace', pattern: {String: '▁'}, content: ' '}, {type: 'ByteFallback'}, {type: 'Fuse'},
      {type: 'Strip', content: ' ', start: 1, stop: 0})}),
  clip: definition({normalizer: normalizers({type: 'NFC'}, {type: 'Replace', pattern: {Regex: '\\s+'}, content: ' '}, {type: 'Lowercase'}),
    pre_tokenizer: split({Regex: "'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+"}, 'Removed', true),
    model: bpe(clip, {unk_token: '<unk>', end_of_word_suffix: '</w>'}), decoder: {type: 'BPEDecoder', suffix: '</w>'}}),
  xlm_roberta: definition({added_tokens: [...added(unigram, robertaFirst.slice(0, 4)), ...added(unigram, ['<mask>'], {lstrip: true})],
    normalizer: {type: 'Precompiled', precompiled_charsmap: charsmap}, post_processor: robertaTemplate(unigram),
    pre_tokenizer: preTokenizers({type: 'WhitespaceSplit'}, metaspace('always')), decoder: metaspace('always'),
    model: {type: 'Unigram', unk_id: 3, vocab: unigram, byte_fallback: false}}),
  albert: definition({normalizer: normalizers({type: 'Replace', pattern: {String: '``'}, content: '"'}, {type: 'NFKD'},
    {type: 'StripAccents'}, {type: 'Lowercase'}, {type: 'Replace', pattern: {Regex: ' {2,}'}, content: ' '}),
    pre_tokenizer: metaspace('always'), decoder: metaspace('always'),
    model: {type: 'Unigram', unk_id: 3, vocab: unigram, byte_fallback: false}}),
  metaspace_first: definition({follows: true, added_tokens: added(unigram, ['<s>', '</s>', '<mask>']), pre_tokenizer: metaspace('first', false),
    decoder: metaspace('first'), model: {type: 'Unigram', unk_id: 3, vocab: unigram, byte_fallback: false}}),
  unigram_bytes: definition({pre_tokenizer: metaspace('never'), model: {type: 'Unigram', unk_id: 0, vocab: unigramBytes, byte_fallback: true},
    decoder: decoders({type: 'ByteFallback'}, metaspace('never'))}),
};
