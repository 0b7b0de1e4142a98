// GET /metrics, for Prometheus. Counters that the engine keeps are read when asked for; times are observed as they come.
import type { EngineOptions } from '@moeq/runtime';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Ready, Service } from './served-model.js';

/** Seconds: from a small model's token to a long prompt in a queue. */
const waitBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120];
const batchBuckets = [1, 2, 4, 8, 16, 32, 64, 128];
const tokenBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];

export interface Metrics {
  /** What the engine reports to. */
  readonly observers: Pick<EngineOptions, 'onStep' | 'onFirstToken' | 'onNextToken' | 'onEnd'>;
  /** An HTTP request that was answered. */
  readonly count: (route: string, status: number) => void;
  readonly contentType: string;
  /** In Prometheus' text format. */
  readonly text: () => Promise<string>;
}

export function createMetrics(service: Service): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const read = (name: string, help: string, value: (ready: Ready) => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        const ready = service.current;
        this.set(ready === null ? 0 : value(ready));
      },
    });
  const total = (name: string, help: string, value: (ready: Ready) => number) =>
    new Counter({
      name,
      help,
      registers,
      collect() {
        this.reset();
        if (service.current !== null) this.inc(value(service.current));
      },
    });

  read('moeq_requests_waiting', 'Requests in the queue', ({ engine }) => engine.statistics().waiting);
  read('moeq_requests_running', 'Requests in the batch', ({ engine }) => engine.statistics().running);
  read(
    'moeq_requests_paused',
    'Requests paused until their reader has caught up',
    ({ engine }) => engine.statistics().paused,
  );
  read('moeq_weight_bytes', 'Bytes of weights', ({ model }) => model.memory.weightBytes);
  read('moeq_kv_cache_bytes', 'Bytes of the KV cache', ({ model }) => model.memory.kvCacheBytes);
  new Gauge({
    name: 'process_resident_memory_bytes',
    help: 'Memory that the process holds',
    registers,
    collect() {
      this.set(process.memoryUsage.rss());
    },
  });
  total('moeq_steps_total', 'Steps computed', ({ engine }) => engine.statistics().steps);
  total(
    'moeq_preemptions_total',
    'Requests that gave up their pages to others and were computed again',
    ({ engine }) => engine.statistics().preemptions,
  );
  total(
    'moeq_prompt_tokens_total',
    'Prompt tokens computed',
    ({ engine }) => engine.statistics().tokens.prefilled,
  );
  total(
    'moeq_prefix_cache_tokens_total',
    'Prompt tokens found in the prefix cache',
    ({ engine }) => engine.statistics().tokens.cached,
  );
  total(
    'moeq_generated_tokens_total',
    'Tokens generated',
    ({ engine }) => engine.statistics().tokens.generated,
  );
  new Gauge({
    name: 'moeq_kv_cache_pages',
    help: 'Pages of the KV cache by use: held by requests, kept in the prefix cache, free',
    labelNames: ['use'],
    registers,
    collect() {
      const cache = service.current?.engine.statistics().kvCache;
      for (const use of ['used', 'cached', 'free'] as const) this.set({ use }, cache?.[use] ?? 0);
    },
  });
  new Counter({
    name: 'moeq_expert_tokens_total',
    help: 'Tokens that went to each expert',
    labelNames: ['layer', 'expert'],
    registers,
    collect() {
      this.reset();
      for (const { layer, load } of service.current?.engine.statistics().expertLoads ?? []) {
        for (const [expert, count] of load.counts.entries()) this.inc({ layer, expert }, count);
      }
    },
  });
  new Gauge({
    name: 'moeq_model_info',
    help: '1, with what is served as labels',
    labelNames: ['model', 'architecture', 'backend'],
    registers,
    collect() {
      this.reset();
      if (service.current === null) return;
      const { id, model } = service.current;
      const { config, backend } = model;
      this.set({ model: id, architecture: config.architecture, backend: backend.description }, 1);
    },
  });
  const batch = new Histogram({
    name: 'moeq_batch_sequences',
    help: 'Sequences in the batch of a step',
    buckets: batchBuckets,
    registers,
  });
  const step = new Histogram({
    name: 'moeq_step_seconds',
    help: 'Time of a step: one token of every sequence that decodes, and chunks of prompts',
    buckets: tokenBuckets,
    registers,
  });
  const first = new Histogram({
    name: 'moeq_time_to_first_token_seconds',
    help: 'From a request to its first token',
    buckets: waitBuckets,
    registers,
  });
  const next = new Histogram({
    name: 'moeq_time_between_tokens_seconds',
    help: 'From one token of a request to the next',
    buckets: tokenBuckets,
    registers,
  });
  const ended = new Counter({
    name: 'moeq_requests_total',
    help: 'Requests to the engine, one for each text of an answer, by how they ended',
    labelNames: ['reason'],
    registers,
  });
  const answered = new Counter({
    name: 'moeq_http_requests_total',
    help: 'HTTP requests by route and status',
    labelNames: ['route', 'status'],
    registers,
  });
  return {
    observers: {
      onStep: ({ sequences, seconds }) => {
        batch.observe(sequences);
        step.observe(seconds);
      },
      onFirstToken: (seconds) => first.observe(seconds),
      onNextToken: (seconds) => next.observe(seconds),
      onEnd: (reason) => ended.inc({ reason }),
    },
    count: (route, status) => answered.inc({ route, status }),
    contentType: registry.contentType,
    text: () => registry.metrics(),
  };
}
