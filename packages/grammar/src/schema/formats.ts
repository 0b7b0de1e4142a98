// Forms of strings by name, as regular expressions: each a part of what RFC 3339, 5321, 3986, 4122 and their like allow,
// in the spellings that validators agree on. Days are those of their month and year.

const year4 = '(?:\\d\\d[2468][048]|\\d\\d[13579][26]|\\d\\d0[48]|[02468][048]00|[13579][26]00)';
const months =
  '(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\\d|30)|02-(?:0[1-9]|1\\d|2[0-8]))';
const date = `(?:${year4}-02-29|\\d{4}-${months})`;
const clock = '(?:[01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(?:\\.\\d{1,9})?';
const zone = '(?:Z|[+-](?:[01]\\d|2[0-3]):[0-5]\\d)';
const label = '[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?';
const byte = '(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)';
const ipv4 = `${byte}(?:\\.${byte}){3}`;
const hex = '[0-9A-Fa-f]';
const group = `${hex}{1,4}`;
const ipv6 = [
  `(?:${group}:){7}${group}`,
  `(?:${group}:){1,7}:`,
  ...[1, 2, 3, 4, 5, 6].map((count) => `(?:${group}:){1,${7 - count}}(?::${group}){1,${count}}`),
  `:(?::${group}){1,7}`,
  '::',
].join('|');
const word = "[A-Za-z0-9!#$&'*+/=?^_`{|}~-]+";
const encoded = `%${hex}${hex}`;
const path = `(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|${encoded})`;
const tail = `(?:\\?(?:${path}|[/?])*)?(?:#(?:${path}|[/?])*)?`;
const authority = `(?:(?:[A-Za-z0-9._~!$&'()*+,;=:-]|${encoded})*@)?(?:${label}(?:\\.${label})*|\\[(?:${ipv6})\\])(?::\\d{1,5})?`;
const uri = `[A-Za-z][A-Za-z0-9+.-]*:(?://${authority}(?:/${path}*)*|/?${path}+(?:/${path}*)*)${tail}`;
const relative = `(?:(?:/${path}+|(?:[A-Za-z0-9._~!$&'()*+,;=@-]|${encoded})+)(?:/${path}*)*|/)?${tail}`;

export const formats: Readonly<Record<string, string>> = {
  date,
  time: `${clock}${zone}`,
  'date-time': `${date}T${clock}${zone}`,
  'iso-time': clock,
  'iso-date-time': `${date}T${clock}${zone}`,
  duration:
    'P(?:\\d{1,9}W|(?:\\d{1,9}Y)?(?:\\d{1,9}M)?\\d{1,9}D|(?:\\d{1,9}Y)?\\d{1,9}M|\\d{1,9}Y|(?:(?:\\d{1,9}Y)?(?:\\d{1,9}M)?(?:\\d{1,9}D)?T(?:(?:\\d{1,9}H)?(?:\\d{1,9}M)?\\d{1,9}S|(?:\\d{1,9}H)?\\d{1,9}M|\\d{1,9}H)))',
  email: `${word}(?:\\.${word})*@(?:${label}\\.)+[A-Za-z]{2,24}`,
  'idn-email': `${word}(?:\\.${word})*@(?:${label}\\.)+[A-Za-z]{2,24}`,
  hostname: `${label}(?:\\.${label})*`,
  'idn-hostname': `${label}(?:\\.${label})*`,
  ipv4,
  ipv6,
  uri,
  url: `https?://(?:${label}\\.)*${label}(?::\\d{1,5})?(?:/${path}*)*${tail}`,
  iri: uri,
  'uri-reference': `(?:${uri}|${relative})`,
  'iri-reference': `(?:${uri}|${relative})`,
  'uri-template': `(?:[A-Za-z0-9._~:/?#@!$&()*+,;=-]|${encoded}|\\{[A-Za-z0-9_]+(?:,[A-Za-z0-9_]+)*\\})*`,
  uuid: `${hex}{8}-${hex}{4}-${hex}{4}-${hex}{4}-${hex}{12}`,
  'json-pointer': '(?:/(?:[^~/]|~[01])*)*',
  'relative-json-pointer': '(?:0|[1-9]\\d{0,8})(?:#|(?:/(?:[^~/]|~[01])*)*)',
  byte: '(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?',
  base64: '(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?',
  base64url: '[A-Za-z0-9_-]*',
  jwt: '[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]*',
};

const prefix4 = '/(?:[12]?\\d|3[0-2])';
const prefix6 = '/(?:1[01]\\d|12[0-8]|[1-9]?\\d)';
const uuidOf = (version: string) => `${hex}{8}-${hex}{4}-${version}${hex}{3}-[89ABab]${hex}{3}-${hex}{12}`;

/**
 * Formats of zod and pydantic, where no pattern stands beside them: those libraries write their own, and it may differ.
 * Colours are taken in hexadecimal, which all of CSS reads.
 */
export const libraryFormats: Readonly<Record<string, string>> = {
  guid: `${hex}{8}-${hex}{4}-${hex}{4}-${hex}{4}-${hex}{12}`,
  ...Object.fromEntries(
    [1, 2, 3, 4, 5, 6, 7, 8].flatMap((version) => [
      [`uuid${version}`, uuidOf(String(version))],
      [`uuidv${version}`, uuidOf(String(version))],
    ]),
  ),
  cidrv4: `${ipv4}${prefix4}`,
  cidrv6: `(?:${ipv6})${prefix6}`,
  ipv4network: `${ipv4}${prefix4}`,
  ipv6network: `(?:${ipv6})${prefix6}`,
  ipv4interface: `${ipv4}${prefix4}`,
  ipv6interface: `(?:${ipv6})${prefix6}`,
  ipvanyaddress: `(?:${ipv4}|${ipv6})`,
  ipvanyinterface: `(?:${ipv4}${prefix4}|(?:${ipv6})${prefix6})`,
  ipvanynetwork: `(?:${ipv4}${prefix4}|(?:${ipv6})${prefix6})`,
  mac: `${hex}{2}(?::${hex}{2}){5}`,
  color: `#(?:${hex}{3}|${hex}{6}|${hex}{8})`,
};

/** Formats that say how a text is meant and leave its characters open. */
export const freeFormats: ReadonlySet<string> = new Set([
  'password',
  'binary',
  'path',
  'file-path',
  'directory-path',
]);

/** Integers and floats by their width, as OpenAPI names them: bounds, both included. */
export const numberFormats: Readonly<Record<string, readonly [number, number] | null>> = {
  int8: [-128, 127],
  int16: [-32768, 32767],
  int32: [-(2 ** 31), 2 ** 31 - 1],
  int64: [-(2 ** 63), 2 ** 63 - 1024],
  uint8: [0, 255],
  uint16: [0, 65535],
  uint32: [0, 2 ** 32 - 1],
  uint64: [0, 2 ** 64 - 2048],
  float: null,
  double: null,
};
