// Names of models in several GGUF files: `name-00001-of-00003.gguf`, as llama.cpp writes them (llama_split_path) and finds
// them again.

const pattern = /^(.*)-(\d{5})-of-(\d{5})\.gguf$/i;

/** As many shards as a safetensors index may name; each costs an open file. */
const maxParts = 4096;

/** What the name of a file says of its place among the parts of a model. */
export interface PartName {
  /** From 0. */
  readonly index: number;
  readonly count: number;
  /** The names of all parts, in order. */
  readonly names: readonly string[];
}

/** Null for a name that is no part's. */
export function partName(file: string): PartName | null {
  const [, prefix = '', number, total] = pattern.exec(file) ?? [];
  const [index, count] = [Number(number) - 1, Number(total)];
  if (!(index >= 0 && index < count && count <= maxParts)) return null;
  const digits = (value: number) => String(value).padStart(5, '0');
  const names = Array.from({ length: count }, (_, at) =>
    at === index ? file : `${prefix}-${digits(at + 1)}-of-${digits(count)}.gguf`,
  );
  return { index, count, names };
}

/** All files of the model that a file is a part of, the file alone as a rule; in its folder where it is a path. */
export function partsOf(file: string): readonly string[] {
  return partName(file)?.names ?? [file];
}

/** The first parts of models among names of files, and models in one file. */
export function firstParts(files: readonly string[]): string[] {
  const firsts = files.map((file) => partsOf(file)[0] ?? file);
  return [...new Set(firsts)].sort();
}
