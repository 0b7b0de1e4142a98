// Who computed the last tokens: the engine's counters only grow, the picture is of the last moments.
import type { EngineStatistics } from '@moeq/runtime';

/** How much of the picture stays from token to token: half of it is of the last 7 tokens. */
const decay = 0.9;

export interface LayerHeat {
  readonly layer: number;
  /** Of each expert, its part of the layer's recent tokens, 0 to 1 together. */
  readonly shares: readonly number[];
  /** Experts of the tokens that came last. */
  readonly latest: readonly boolean[];
}

export class ExpertWindow {
  readonly #before = new Map<number, ArrayLike<number>>();
  readonly #recent = new Map<number, number[]>();

  /** Takes what the engine has counted until now. */
  add(loads: EngineStatistics['expertLoads']): LayerHeat[] {
    return loads.map(({ layer, load: { counts } }) => {
      const before = this.#before.get(layer);
      const fresh = Array.from(counts, (count, expert) => count - (before?.[expert] ?? 0));
      const moved = fresh.some((count) => count > 0);
      const kept = this.#recent.get(layer);
      const recent = fresh.map((count, expert) => count + (moved ? decay : 1) * (kept?.[expert] ?? 0));
      this.#before.set(layer, counts);
      this.#recent.set(layer, recent);
      const total = recent.reduce((sum, count) => sum + count, 0);
      return {
        layer,
        shares: recent.map((count) => (total === 0 ? 0 : count / total)),
        latest: fresh.map((count) => count > 0),
      };
    });
  }
}
