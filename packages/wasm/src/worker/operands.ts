// Operands of an operation as numbers.

type Numbers<Count extends number, List extends number[] = []> = List['length'] extends Count
  ? List
  : Numbers<Count, [...List, number]>;

/** `count` words from index `at` on as unsigned numbers: sizes and addresses. */
export function operands<Count extends number>(words: Int32Array, at: number, count: Count): Numbers<Count> {
  const values: number[] = [];
  for (let i = 0; i < count; i++) values.push((words[at + i] as number) >>> 0);
  return values as unknown as Numbers<Count>;
}
