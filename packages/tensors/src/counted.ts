// A count and its noun, in English.

const plurals = new Intl.PluralRules('en');

/** `1 token`, `2 tokens`, `1.2 tokens`. @param many where it is not `one` and an s */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${plurals.select(count) === 'one' ? one : many}`;
}
