// Changes to a JSON document that leave it one: parts replaced, left out, doubled, renamed, moved or buried.
import type { Random } from './random.ts';

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

const values: readonly Json[] = [
  ...[0, -0, 1, -1, 2, 3, 0.5, 7, 64, 255, 256, 65_536, 1e9, 2 ** 31, 2 ** 32, 2 ** 53, 1e308, -1e308],
  ...[
    null,
    true,
    false,
    '',
    ' ',
    '0',
    'NaN',
    '__proto__',
    'constructor',
    'toString',
    '\u0000',
    '\ud800',
    '🦉',
  ],
  ...[[], {}, [[]], [null], { type: 'Sequence' }],
];

const keys = ['__proto__', 'constructor', 'length', 'type', 'name', '', '0', 'toString'];

interface Place {
  readonly holder: Json[] | { [key: string]: Json };
  readonly key: string;
}

/** Every member and element of a document. */
function* places(value: Json): Generator<Place> {
  if (typeof value !== 'object' || value === null) return;
  for (const [key, part] of Object.entries(value)) {
    yield { holder: value, key };
    yield* places(part);
  }
}

function read({ holder, key }: Place): Json {
  return (holder as Record<string, Json>)[key] ?? null;
}

function write({ holder, key }: Place, value: Json): void {
  // an assignment to __proto__ would not make a member
  Object.defineProperty(holder, key, { value, enumerable: true, configurable: true, writable: true });
}

function remove({ holder, key }: Place): void {
  if (Array.isArray(holder)) holder.splice(Number(key), 1);
  else delete holder[key];
}

function bury(value: Json, depth: number): Json {
  let out = value;
  for (let i = 0; i < depth; i++) out = [out];
  return out;
}

function changed(value: Json, random: Random): Json {
  if (typeof value === 'number' && random.below(2) === 0) {
    return random.pick([value + 1, value - 1, -value, value * 2, value / 2, value + 0.5, value * 1e6]);
  }
  if (typeof value === 'string' && random.below(2) === 0) {
    return random.pick([value + value, value.slice(1), value.toUpperCase(), value.repeat(100), `${value}.0`]);
  }
  return structuredClone(random.pick(values));
}

/**
 * A changed copy.
 * @param words of the format, as further texts and keys
 */
export function mutateJson(document: Json, random: Random, words: readonly string[]): Json {
  const out = structuredClone(document);
  const all = [...places(out)];
  if (all.length === 0) return changed(out, random);
  const place = random.pick(all);
  const other = read(random.pick(all));
  switch (random.below(8)) {
    case 0:
      remove(place);
      break;
    case 1:
      write(place, structuredClone(other));
      break;
    case 2:
      write(place, bury(read(place), random.pick([1, 2, 10, 500])));
      break;
    case 3:
      write({ holder: place.holder, key: newKey(place, random, words) }, structuredClone(other));
      break;
    case 4:
      if (words.length > 0) write(place, random.pick(words));
      break;
    default:
      write(place, changed(read(place), random));
  }
  return out;
}

function newKey({ holder, key }: Place, random: Random, words: readonly string[]): string {
  if (Array.isArray(holder)) return String(holder.length);
  return random.pick([...keys, ...words, `${key}x`]);
}
