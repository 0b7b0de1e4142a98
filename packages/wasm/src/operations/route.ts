// Routing in a program: Int32 [T, A] experts, then Float32 [T, A] weights.
import type { RouteSpec } from '@moeq/router';
import type { Recorded } from '../graph.js';
import type { LoadedVector } from '../loaded.js';
import type { Value } from '../value.js';

export function route(
  logits: Value,
  spec: RouteSpec,
  bias: LoadedVector | null,
  scales: LoadedVector | null,
): Recorded {
  const { experts, expertsPerToken, score, normalizeTopK, groups } = spec;
  const assignments = logits.rows * expertsPerToken;
  return {
    rows: logits.rows,
    columns: 2 * expertsPerToken,
    inputs: [logits],
    emit(program) {
      const out = program.allocate(2 * assignments);
      program.emit('route', {
        logits: program.addressOf(logits),
        tokens: logits.rows,
        experts,
        active: expertsPerToken,
        score,
        jitter: spec.jitter ?? 0,
        normalizeTopK,
        normalizeEpsilon: spec.normalizeEpsilon ?? 0,
        scalingFactor: spec.scalingFactor ?? 1,
        groups: groups?.count ?? 0,
        keptGroups: groups?.kept ?? 0,
        groupRank: groups?.rank ?? 'max',
        bias: bias?.address ?? 0,
        scales: scales?.address ?? 0,
        indices: out,
        weights: out + 4 * assignments,
      });
      return out;
    },
  };
}
