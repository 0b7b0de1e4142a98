// Bodies that are refused, whatever they ask for. For a server that takes 600,000 bytes.
const utf8 = new TextEncoder();
const messages = [{ role: 'user', content: 'Hi' }];
const asked = (content: string) =>
  JSON.stringify({ model: 'tiny-moe', messages: [{ role: 'user', content }] });

export const refusedBodies: readonly (readonly [
  what: string,
  body: string | Uint8Array,
  status: number,
  code: string | null,
  message: string,
])[] = [
  ['no JSON', 'hello', 400, 'invalid_json', 'no valid JSON'],
  ['cut JSON', '{"model": "tiny', 400, 'invalid_json', 'no valid JSON'],
  ['nothing', '', 400, 'invalid_json', 'no valid JSON'],
  ['NaN', '{"temperature": NaN}', 400, 'invalid_json', 'no valid JSON'],
  ['a comment', '{/* */}', 400, 'invalid_json', 'no valid JSON'],
  ['two documents', '{}{}', 400, 'invalid_json', 'no valid JSON'],
  ['a list', '[]', 400, null, 'has to be a JSON object'],
  ['null', 'null', 400, null, 'has to be a JSON object'],
  ['nothing in it', '{}', 400, 'missing_field', 'model: required and absent'],
  [
    'invalid UTF-8',
    Uint8Array.of(...utf8.encode('{"model": "'), 0xff, 0xfe, ...utf8.encode('"}')),
    400,
    'invalid_utf8',
    'no valid UTF-8',
  ],
  [
    'a lone surrogate in UTF-8',
    Uint8Array.of(0x22, 0xed, 0xa0, 0x80, 0x22),
    400,
    'invalid_utf8',
    'no valid UTF-8',
  ],
  ['an overlong form in UTF-8', Uint8Array.of(0x22, 0xc0, 0xaf, 0x22), 400, 'invalid_utf8', 'no valid UTF-8'],
  [
    'UTF-16',
    new Uint8Array(Uint16Array.from('{}', (c) => c.charCodeAt(0)).buffer),
    400,
    'invalid_json',
    'no valid JSON',
  ],
  ['lists nested 50,000 deep', '['.repeat(50_000), 400, 'invalid_json', 'nested more than 128 deep'],
  [
    'a message of 500,000 characters',
    asked('a'.repeat(500_000)),
    400,
    'context_length_exceeded',
    'at most 255 tokens, by the context length, found 500004 characters',
  ],
  [
    'a message of 300,000 blanks',
    asked(' '.repeat(300_000)),
    400,
    'context_length_exceeded',
    'by the context length',
  ],
  [
    '15,000 messages',
    JSON.stringify({ model: 'tiny-moe', messages: Array.from({ length: 15_000 }, () => messages[0]) }),
    400,
    'context_length_exceeded',
    'by the context length',
  ],
  [
    'one byte too many',
    JSON.stringify({ x: 'x'.repeat(599_993) }),
    413,
    'body_too_large',
    'at most 600000 bytes',
  ],
];
