// Routing in a program: Int32 [T, A] experts, then Float32 [T, A] weights.
import type { RouteSpec } from '@moeq/router';
import type { Node, Recorded } from '../graph.js';
import type { LoadedVector } from '../loaded.js';
import { rankNames, scoreNames } from '../opcodes.js';
import { Float } from '../program.js';

export function route(logits: Node, spec: RouteSpec, bias: LoadedVector | undefined): Recorded {
  const { experts, expertsPerToken, score, normalizeTopK, groups } = spec;
  const slots = logits.rows * expertsPerToken;
  return {
    rows: logits.rows,
    columns: 2 * expertsPerToken,
    inputs: [logits],
    emit(program) {
      const out = program.room(2 * slots);
      program.emit(
        'route',
        program.addressOf(logits),
        [logits.rows, experts, expertsPerToken, scoreNames.indexOf(score), normalizeTopK ? 1 : 0],
        new Float(spec.normalizeEpsilon ?? 0),
        new Float(spec.scalingFactor ?? 1),
        [groups?.count ?? 0, groups?.kept ?? 0, rankNames.indexOf(groups?.rank ?? 'max')],
        bias?.address ?? 0,
        [out, out + 4 * slots],
      );
      return out;
    },
  };
}
