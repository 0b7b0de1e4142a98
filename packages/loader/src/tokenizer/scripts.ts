// The script of a character, as the UnicodeScripts pre-tokenizer sees it: SentencePiece cuts where it changes, takes the
// Japanese syllabaries for ideographs, and lets blanks belong to any script.

/** The scripts of the library's table; characters of later ones have none. */
const names = (
  'Adlam Ahom Anatolian_Hieroglyphs Arabic Armenian Avestan Balinese Bamum Bassa_Vah Batak Bengali ' +
  'Bhaiksuki Bopomofo Brahmi Braille Buginese Buhid Canadian_Aboriginal Carian Caucasian_Albanian ' +
  'Chakma Cham Cherokee Common Coptic Cuneiform Cypriot Cyrillic Deseret Devanagari Duployan ' +
  'Egyptian_Hieroglyphs Elbasan Ethiopic Georgian Glagolitic Gothic Grantha Greek Gujarati Gurmukhi ' +
  'Han Hangul Hanunoo Hatran Hebrew Hiragana Imperial_Aramaic Inherited Inscriptional_Pahlavi ' +
  'Inscriptional_Parthian Javanese Kaithi Kannada Katakana Kayah_Li Kharoshthi Khmer Khojki ' +
  'Khudawadi Lao Latin Lepcha Limbu Linear_A Linear_B Lisu Lycian Lydian Mahajani Malayalam Mandaic ' +
  'Manichaean Marchen Meetei_Mayek Mende_Kikakui Meroitic_Cursive Meroitic_Hieroglyphs Miao Modi ' +
  'Mongolian Mro Multani Myanmar Nabataean New_Tai_Lue Newa Nko Ogham Ol_Chiki Old_Hungarian ' +
  'Old_Italic Old_North_Arabian Old_Permic Old_Persian Old_South_Arabian Old_Turkic Oriya Osage ' +
  'Osmanya Pahawh_Hmong Palmyrene Pau_Cin_Hau Phags_Pa Phoenician Psalter_Pahlavi Rejang Runic ' +
  'Samaritan Saurashtra Sharada Shavian Siddham SignWriting Sinhala Sora_Sompeng Sundanese ' +
  'Syloti_Nagri Syriac Tagalog Tagbanwa Tai_Le Tai_Tham Tai_Viet Takri Tamil Tangut Telugu Thaana ' +
  'Thai Tibetan Tifinagh Tirhuta Ugaritic Vai Warang_Citi Yi'
).split(' ');

const scripts = names.map((name) => ({
  name: name === 'Hiragana' || name === 'Katakana' ? 'Han' : name,
  expression: new RegExp(`^\\p{Script=${name}}`, 'u'),
}));

/** The mark that lengthens vowels, common to both syllabaries. */
const longVowel = '\u30FC';

const known = new Map<string, string | null>();

/** Its name; null for a blank, and for a character that no script has. */
export function scriptOf(character: string): string | null {
  if (character === ' ') return null;
  if (character === longVowel) return 'Han';
  const found = known.get(character);
  if (found !== undefined) return found;
  const name = scripts.find(({ expression }) => expression.test(character))?.name ?? null;
  known.set(character, name);
  return name;
}
