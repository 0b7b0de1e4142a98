// What an engine counts, for people and for metrics. Counters only grow; rates are the reader's to take.
import { type ExpertLoad, expertLoad, mergeExpertLoads } from '@moeq/router';
import type { DecoderConfig } from '../decoder/config.js';
import { layerMoe } from '../decoder/layer.js';
import type { LayerRouting } from '../run/run-batch.js';

export interface EngineStatistics {
  /** Requests that wait to be admitted, preempted ones included. */
  readonly waiting: number;
  /** Requests in the batch. */
  readonly running: number;
  /** Requests that pause until their reader has caught up. */
  readonly paused: number;
  /** Of the step computed last. */
  readonly lastStep: { readonly sequences: number; readonly tokens: number; readonly seconds: number };
  readonly steps: number;
  /** Requests that gave up their pages to others and were computed again. */
  readonly preemptions: number;
  readonly tokens: {
    /** Computed of prompts, and of requests after a preemption. */
    readonly prefilled: number;
    /** Of prompts, found in the prefix cache. */
    readonly cached: number;
    readonly generated: number;
  };
  /** Pages of `pageSize` tokens: held by requests, kept in the prefix cache, and free. */
  readonly kvCache: {
    readonly pageSize: number;
    readonly pages: number;
    readonly used: number;
    readonly cached: number;
    readonly free: number;
  };
  /** Tokens that went to each expert so far, one entry an MoE layer; of a prompt, the last layer computes its end alone. */
  readonly expertLoads: readonly { readonly layer: number; readonly load: ExpertLoad }[];
}

/** Adds up the expert load of every layer. */
export class ExpertLoads {
  readonly #experts: ReadonlyMap<number, number>;
  readonly #loads = new Map<number, ExpertLoad>();

  constructor({ layers }: DecoderConfig) {
    const moe = layers.flatMap((config, layer) => {
      const experts = layerMoe(config)?.route.experts;
      return experts === undefined ? [] : [[layer, experts] as const];
    });
    this.#experts = new Map(moe);
    for (const [layer, experts] of moe) {
      this.#loads.set(layer, { tokens: 0, counts: new Float64Array(experts) });
    }
  }

  add(routings: readonly LayerRouting[]): void {
    for (const routing of routings) {
      const before = this.#loads.get(routing.layer);
      const fresh = expertLoad(routing, this.#experts.get(routing.layer) ?? 0);
      this.#loads.set(routing.layer, before === undefined ? fresh : mergeExpertLoads([before, fresh]));
    }
  }

  get all(): EngineStatistics['expertLoads'] {
    return Array.from(this.#loads, ([layer, load]) => ({ layer, load }));
  }
}
