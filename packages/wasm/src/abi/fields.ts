// How fields are declared that two sides agree on: host and worker (instructions.ts), host and assembly (records.ts). A
// declaration is an object whose keys are the names, in the order of the words; types and code of both directions are
// derived from it (encode.ts, decode.ts).

/** One 32-bit word each. An address is in bytes and wraps at 2^32; a flag is 0 or 1. */
export type Scalar = 'address' | 'u32' | 'f32' | 'flag';

/** One word: the host writes the name, the worker and the kernels read the number. */
export type Enumeration = Readonly<Record<string, number>>;

/** As many items as an instruction gives, behind its other words. Two words: where they begin, and how many they are. */
export interface List<Item extends Scalar | Fields = Scalar | Fields> {
  readonly items: Item;
}

export type Field = Scalar | Enumeration | List | Fields;

/** Fields in the order of their words; fields of their own lie in place. */
export interface Fields {
  readonly [name: string]: Field;
}

export const list = <const Item extends Scalar | Fields>(items: Item): List<Item> => ({ items });

/** What the host gives for a field. */
type Value<Of> =
  Of extends List<infer Items>
    ? Items extends Scalar
      ? ArrayLike<number>
      : readonly Values<Items>[]
    : Of extends 'flag'
      ? boolean
      : Of extends Scalar
        ? number
        : Of extends Enumeration
          ? keyof Of
          : Values<Of>;

export type Values<Of> = { readonly [Name in keyof Of]: Value<Of[Name]> };

export const isScalar = (field: Field): field is Scalar => typeof field === 'string';

export const isList = (field: Field): field is List => typeof field === 'object' && 'items' in field;

export const isEnumeration = (field: Field): field is Enumeration =>
  typeof field === 'object' && Object.values(field).every((value) => typeof value === 'number');

/** Words of a field in its place, without the items of lists. */
function wordsOfField(field: Field): number {
  if (isList(field)) return 2;
  return isScalar(field) || isEnumeration(field) ? 1 : wordsOf(field);
}

/** Words of fields, without the items of lists. */
export function wordsOf(fields: Fields): number {
  return Object.values(fields).reduce<number>((sum, field) => sum + wordsOfField(field), 0);
}

/** Each field and the word at which it begins. */
export function placed(fields: Fields): readonly (readonly [name: string, field: Field, word: number])[] {
  let word = 0;
  return Object.entries(fields).map(([name, field]) => {
    const at = word;
    word += wordsOfField(field);
    return [name, field, at] as const;
  });
}
