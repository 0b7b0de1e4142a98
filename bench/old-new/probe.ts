// One process of a comparison: the same model in the packages of two checkouts, which load, read and write it in turn. What it
// imports from a checkout has had these names and forms for as long as there are checkouts to compare.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

export interface Probe {
  /** Folders of checkouts whose packages are built. */
  readonly checkouts: { readonly old: string; readonly new: string };
  readonly model: string;
  readonly pairs: number;
  readonly threads: number;
  readonly promptTokens: number;
  readonly decodeTokens: number;
  /** Of a batch. */
  readonly texts: number;
}

/** What both reach, one right after the other. */
export interface Pair {
  readonly old: number;
  readonly new: number;
}

export interface Rates {
  /** Models a second. */
  readonly load: readonly Pair[];
  /** Tokens a second. */
  readonly prefill: readonly Pair[];
  readonly decode: readonly Pair[];
  /** Of all texts together. */
  readonly batch: readonly Pair[];
}

const probe: Probe = JSON.parse(process.argv[2] ?? '');
const { model: name, threads, promptTokens, decodeTokens, texts } = probe;
const contextLength = promptTokens + decodeTokens;
const greedy = { maxNewTokens: decodeTokens, stopTokenIds: [], temperature: 0 };
/** Of the smallest vocabulary that is measured. */
const tokenIds = 4096;

const sides = {
  old: await open(probe.checkouts.old),
  new: await open(probe.checkouts.new),
};
type Side = Awaited<ReturnType<typeof open>>;

const load = await inTurn((side) => side.load());
const prefill: Pair[] = [];
const decode: Pair[] = [];
for (const { old, new: other } of await inTurn((side, run) => side.complete(run))) {
  prefill.push({ old: old.prefill, new: other.prefill });
  decode.push({ old: old.decode, new: other.decode });
}
const batch = await inTurn((side, run) => side.batch(run));
const rates: Rates = { load, prefill, decode, batch };
process.stdout.write(JSON.stringify(rates));
process.exit(0);

/** Old and new in turn, the one that goes first changing with each pair; two pairs, which warm up, do not count. */
async function inTurn<Value>(
  measure: (side: Side, run: number) => Promise<Value>,
): Promise<{ readonly old: Value; readonly new: Value }[]> {
  const found: { old: Value; new: Value }[] = [];
  for (let run = -2; run < probe.pairs; run++) {
    const isOldFirst = run % 2 === 0;
    const first = await measure(isOldFirst ? sides.old : sides.new, run);
    const second = await measure(isOldFirst ? sides.new : sides.old, run);
    if (run >= 0) found.push(isOldFirst ? { old: first, new: second } : { old: second, new: first });
  }
  return found;
}

async function open(checkout: string) {
  const from = (path: string): string => pathToFileURL(join(checkout, 'packages', path)).href;
  const { wasmBackend }: typeof import('@moeq/wasm') = await import(from('wasm/dist/index.js'));
  const { createModel, createEngine }: typeof import('@moeq/runtime') = await import(
    from('runtime/dist/index.js')
  );
  const { openModel }: typeof import('@moeq/loader/node') = await import(from('loader/dist/node.js'));
  const start = async (sequences: number) => {
    const backend = await wasmBackend({ threads });
    const source = await openModel(name);
    const kvCacheTokens = sequences * contextLength;
    const model = await createModel(source, { backend, contextLength, kvCacheTokens });
    await source.close();
    return { model, backend };
  };
  const { model } = await start(texts);
  const engine = createEngine(model, { maxBatch: texts });
  return {
    async load(): Promise<number> {
      const began = performance.now();
      const loaded = await start(1);
      const rate = 1000 / (performance.now() - began);
      await loaded.model.close();
      await loaded.backend.destroy();
      return rate;
    },
    async complete(run: number): Promise<{ prefill: number; decode: number }> {
      const { timings } = await model.complete(promptOf(run, 0, promptTokens), greedy);
      return { prefill: timings.prefillTokensPerSecond, decode: timings.decodeTokensPerSecond };
    },
    async batch(run: number): Promise<number> {
      const write = async (text: number): Promise<void> => {
        let written = 0;
        // shorter than a page of the cache
        for await (const { tokenId } of engine.generate(promptOf(run, text + 1, 8), greedy))
          if (tokenId !== null) written++;
        if (written !== decodeTokens) throw new Error(`expected ${decodeTokens} tokens, found ${written}`);
      };
      const began = performance.now();
      await Promise.all(Array.from({ length: texts }, (_, text) => write(text)));
      return (1000 * texts * decodeTokens) / (performance.now() - began);
    },
  };
}

/** Other tokens in every run and text: no run finds a prefix of another. */
function promptOf(run: number, text: number, tokens: number): Int32Array {
  return Int32Array.from(
    { length: tokens },
    (_, place) =>
      ((Math.imul(place + 1 + 7919 * (run + 2) + 104729 * text, 0x9e3779b1) >>> 0) % (tokenIds - 6)) + 6,
  );
}
