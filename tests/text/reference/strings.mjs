// The texts that every definition is tried on. Same seed, same texts.

export function random(seed) {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const scripts = `Adlam Ahom Arabic Armenian Avestan Balinese Bamum Batak Bengali Bhaiksuki Bopomofo
  Brahmi Braille Buginese Buhid Canadian_Aboriginal Carian Chakma Cham Cherokee Common Coptic
  Cuneiform Cypriot Cyrillic Deseret Devanagari Egyptian_Hieroglyphs Ethiopic Georgian Glagolitic
  Gothic Grantha Greek Gujarati Gurmukhi Han Hangul Hebrew Hiragana Imperial_Aramaic Inherited
  Javanese Kaithi Kannada Katakana Kayah_Li Kharoshthi Khmer Lao Latin Lepcha Limbu Linear_B Lisu
  Malayalam Mandaic Meetei_Mayek Mongolian Myanmar New_Tai_Lue Nko Ogham Ol_Chiki Old_Italic
  Old_Persian Oriya Osmanya Phags_Pa Phoenician Runic Samaritan Sharada Sinhala Sundanese
  Syloti_Nagri Syriac Tagalog Tai_Le Tai_Tham Tamil Telugu Thaana Thai Tibetan Tifinagh Tirhuta
  Ugaritic Vai Yi`.split(/\s+/);

export const sentences = [
  'The quick brown fox jumps over the lazy dog.',
  "I don't think they're coming; she's said we'll see, but I'd wait. It'S NOT OVER, WE'VE time!",
  'Der schnelle braune Fuchs springt über den faulen Hund — süß & größer als 1.000,50 €.',
  'Le cœur a ses raisons que la raison ne connaît point : déjà vu, garçon, naïve, Noël.',
  'El niño comió piñata; ¿dónde está la señorita? ¡Aquí!',
  'Быстрая коричневая лиса прыгает через ленивую собаку. Ещё ёлка.',
  'Η γρήγορη καφέ αλεπού πηδάει πάνω από το τεμπέλικο σκυλί. ΟΔΟΣ',
  '敏捷的棕色狐狸跳过懒狗。我们都是人,生而自由。',
  '素早い茶色の狐がのろまな犬を飛び越える。カタカナとひらがな、ガギグゲゴ。',
  '빠른 갈색 여우가 게으른 개를 뛰어넘는다. 안녕하세요 세계',
  'الثعلب البني السريع يقفز فوق الكلب الكسول. مَرْحَبًا',
  'השועל החום המהיר קופץ מעל הכלב העצלן. שָׁלוֹם',
  'तेज़ भूरी लोमड़ी आलसी कुत्ते के ऊपर कूदती है। नमस्ते',
  'দ্রুত বাদামী শিয়াল অলস কুকুরের উপর লাফ দেয়। কো',
  'விரைவான பழுப்பு நரி சோம்பேறி நாயின் மேல் குதிக்கிறது. கொ',
  'สุนัขจิ้งจอกสีน้ำตาลกระโดดข้ามสุนัขขี้เกียจ ๑๒๓',
  'Con cáo nâu nhanh nhẹn nhảy qua con chó lười. Tiếng Việt ẩỗự',
  'İstanbul’da hızlı kahverengi tilki tembel köpeğin üstünden atlar. IĞDIR ığdır',
  'ﬁne ligatures ﬀ ½ ² ① Ⅷ ㎏ ㍿ ｆｕｌｌ　ｗｉｄｔｈ ﾊﾝｶｸ ﾃﾞｰﾀ ～ ﷺ',
  'for (int i = 0; i < 10; ++i) { a[i] += "x\\n"; } // {code} <tag attr="1"/> $HOME/.bashrc',
  'https://example.org/a/b?c=d&e=f#g user.name+tag@example.com 192.168.0.1 2024-02-29T23:59:60Z',
  '3.14159 1,000,000 12345678901234567890 1e-9 ٣٤٥ ५६७ 1/2 100% #1 C++ C# F♯',
  '👩‍👩‍👧‍👦 👍🏽 🇫🇷 ❤️ 🏴󠁧󠁢󠁥󠁮󠁧󠁿 😀😃 🧑‍💻 ☃️ 1️⃣',
  'e\u0301 n\u0303 a\u0308\u0323 o\u0302\u0301 q\u0307\u0323 \u1100\u1161\u11a8 Z̴̡͇a̵͉l̶̹g̷͓o̸̥',
];

const wordsOf = (text) => text.split(/(?<=\s)/);
const specials = ['[CLS]', '[SEP]', '[MASK]', '[UNK]', '<s>', '</s>', '<mask>', '<pad>', '<unk>',
  '<|endoftext|>', '[NEW]', 'magic', 'Magic', 'ＭＡＧＩＣ', '<extra>', '▁', '##ing', 'Ġthe', '<0xE2>'];
const blanks = [' ', '  ', '\t', '\n', '\r\n', '\n\n', '\u00a0', '\u2003', '\u3000', '\u200b',
  '\u2028', '\ufeff', ' \n ', '   '];

function oneText(pick, pools) {
  const any = (list) => list[pick(list.length)];
  const some = (n, make) => Array.from({length: 1 + pick(n)}, make).join('');
  switch (pick(12)) {
    case 0: case 1: { const pool = any(pools); return some(24, () => (pick(5) ? any(pool) : any(blanks))); }
    case 2: case 3: return some(14, () => any(wordsOf(any(sentences))));
    case 4: return some(8, () => any(wordsOf(any(sentences))) + (pick(2) ? any(specials) : any(blanks)));
    case 5: return some(10, () => any(specials) + (pick(2) ? any(blanks) : ''));
    case 6: return some(20, () => any(blanks) + (pick(3) ? '' : any(any(pools))));
    case 7: return some(16, () => String.fromCodePoint(pick(0x20) + (pick(3) ? 0x20 : 0)) + (pick(2) ? 'ab' : ''));
    case 8: return some(10, () => any(['a', 'e', 'o', 'ᄀ', 'क', 'ا']) + some(5, () => String.fromCodePoint(0x300 + pick(0x70))));
    case 9: return any([...any(sentences)]).repeat(1 + pick(300));
    case 10: return some(30, () => any('aAbB0123.,;!?\'"-_()[]{}<>@#$%^&*+=/\\|~`'.split('')) + (pick(4) ? '' : ' '));
    default: return some(12, () => any(any(pools)) + any(wordsOf(any(sentences))));
  }
}

// `known(character)`: whether all programs that will read it know it.
export function makeTexts(count, known) {
  const pick = random(20240229);
  const pools = scripts.map((script) => {
    const pattern = new RegExp(`\\p{Script=${script}}`, 'u');
    const pool = [];
    for (let code = 0x21; code < 0x20000; ++code) {
      if (code >= 0xd800 && code < 0xe000) continue;
      const character = String.fromCodePoint(code);
      if (pattern.test(character) && known(character)) pool.push(character);
    }
    return pool;
  }).filter((pool) => pool.length > 0);
  const texts = [...sentences, ...sentences.map((s) => s.toUpperCase()), ' ', '  a', 'a  ', '\n', 'a\u0000b'];
  for (const pool of pools) texts.push(Array.from({length: 12}, () => pool[pick(pool.length)]).join(''));
  while (texts.length < count) texts.push(oneText(pick, pools));
  return texts.slice(0, count);
}
