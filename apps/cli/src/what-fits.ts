// What to type where a model does not fit the memory of the threads: other recipes, more threads, a shorter context, tried by
// the same sums by which it is refused. Only what would fit is named.
import type { MemoryNeed } from '@moeq/kernels';
import { counted } from '@moeq/tensors';

/** A way to run a model. */
export interface Way {
  /** null: the weights as they are stored. */
  readonly recipe: string | null;
  readonly threads: number;
  /** Tokens. */
  readonly context: number;
}

export interface WaysToTry {
  readonly given: Way;
  /** Of fewer and fewer bits; none where the weights are quantized already. */
  readonly recipes: readonly string[];
  /** That this machine has. */
  readonly maxThreads: number;
  /** Shorter and shorter. */
  readonly contexts: readonly number[];
  /** A context on the command line: `--context 1024`. */
  readonly contextOption: (tokens: number) => string;
  /** What a way takes, activations counted in; null where headers do not tell. */
  readonly measure: (way: Way) => MemoryNeed | null;
}

/** Threads are looked for up to this number where the machine has fewer, to say how many it would take. */
const mostThreads = 256;

/** @returns a clause for the end of the refusal */
export function whatFits(ways: WaysToTry): string {
  const { given } = ways;
  const found: Way[] = [];
  for (const recipe of [given.recipe, ...ways.recipes]) {
    for (const context of [given.context, ...ways.contexts]) {
      const threads = fewestThreads(ways, { recipe, threads: given.threads, context }, ways.maxThreads);
      if (threads !== null) found.push({ recipe, threads, context });
    }
  }
  const fewest = Math.min(...found.map((way) => changes(given, way)));
  const best = new Map<string, Way>();
  for (const way of found) {
    // the first of a kind is the one of most bits and the longest context
    if (changes(given, way) === fewest && !best.has(kindOf(given, way))) best.set(kindOf(given, way), way);
  }
  if (best.size === 0) return nothingFits(ways);
  const texts = [...best.values()].map((way) => optionsOf(given, way, ways.contextOption));
  return `it fits with ${texts.join(', or with ')}`;
}

/** The fewest threads from the given number on with which a way fits; null where none do. */
function fewestThreads({ measure }: WaysToTry, way: Way, most: number): number | null {
  const fits = (threads: number) => {
    const need = measure({ ...way, threads });
    return need !== null && need.largest <= need.limit;
  };
  if (fits(way.threads)) return way.threads;
  // shares of rows and heads are whole, so that one thread more can help nothing; the most of them is a quick answer
  if (most <= way.threads || !fits(most)) return null;
  for (let threads = way.threads + 1; threads < most; threads++) if (fits(threads)) return threads;
  return most;
}

function kindOf(given: Way, way: Way): string {
  return (['recipe', 'threads', 'context'] as const).filter((key) => given[key] !== way[key]).join();
}

const changes = (given: Way, way: Way): number => kindOf(given, way).split(',').filter(Boolean).length;

function optionsOf(
  given: Way,
  { recipe, threads, context }: Way,
  contextOption: WaysToTry['contextOption'],
): string {
  return [
    ...(recipe === given.recipe || recipe === null ? [] : [`--recipe ${recipe}`]),
    ...(threads === given.threads ? [] : [`--threads ${threads}`]),
    ...(context === given.context ? [] : [contextOption(context)]),
  ].join(' ');
}

function nothingFits(ways: WaysToTry): string {
  const { given, recipes, contexts, maxThreads, contextOption } = ways;
  const least = {
    recipe: recipes.at(-1) ?? given.recipe,
    threads: maxThreads,
    context: contexts.at(-1) ?? given.context,
  };
  const tried = [
    ...recipes.slice(-1).map((recipe) => `--recipe ${recipe}`),
    ...(contexts.length === 0 ? [] : [contextOption(least.context)]),
  ].join(' ');
  const needed = fewestThreads(ways, least, mostThreads);
  const even = tried === '' ? '' : `, not even with ${tried}`;
  const take = needed === null ? '' : `; it would take ${counted(needed, 'thread')}`;
  return `it does not fit the ${counted(maxThreads, 'thread')} of this machine${even}${take}`;
}
