// Routing, experts and MLPs.
import { validateRouteSpec } from '@moeq/router';
import { assertActivation } from '../activation.js';
import { assertColumns, assertSize } from '../shapes/assert.js';
import type { Step } from '../step.js';
import type { BackendObjects, BackendTypes } from './objects.js';
import type { Nodes, StepNodes } from './step-nodes.js';

export function checkedMlps<T extends BackendTypes>(
  objects: BackendObjects<T>,
  nodes: Nodes<T>,
  { routings, record }: Pick<StepNodes<T>, 'routings' | 'record'>,
): Pick<Step, 'route' | 'experts' | 'mlp' | 'multiplyGated'> {
  return {
    route(logits, spec, correctionBias, given) {
      const x = nodes.of(logits);
      validateRouteSpec(spec);
      const { experts, expertsPerToken } = spec;
      assertSize('route', 'columns of the router logits', experts, logits.columns);
      const bias =
        correctionBias === undefined
          ? null
          : nodes.vector('route', 'correction bias', experts, correctionBias);
      const scales = given === undefined ? null : nodes.vector('route', 'scales', experts, given);
      const node = record({ kind: 'route', x, spec, bias, scales }, logits.rows, 2 * expertsPerToken);
      return routings.add({ tokens: logits.rows, expertsPerToken, experts }, node);
    },

    experts(x, chosen, handle, activation) {
      const node = nodes.of(x);
      const routing = routings.get(chosen);
      const weights = objects.experts.get(handle);
      assertSize('run experts', 'experts of the routing', handle.experts, chosen.experts);
      assertSize('run experts', 'tokens of the routing', x.rows, chosen.tokens);
      assertSize('run experts', 'columns of the activations', handle.hidden, x.columns);
      assertActivation('run experts', activation, handle.gated);
      return nodes.keep({ kind: 'experts', x: node, routing, weights, activation }, x.rows, x.columns);
    },

    mlp(x, handle, activation, outputGate) {
      const node = nodes.of(x);
      const weights = objects.mlps.get(handle);
      assertSize('run an MLP', 'columns of the activations', handle.hidden, x.columns);
      assertActivation('run an MLP', activation, handle.gated);
      const gate = outputGate === undefined ? null : objects.weights.get(outputGate);
      if (outputGate !== undefined) {
        assertSize('run an MLP', 'rows of the output gate', 1, outputGate.rows);
        assertSize('run an MLP', 'columns of the output gate', x.columns, outputGate.columns);
      }
      return nodes.keep({ kind: 'mlp', x: node, weights, activation, gate }, x.rows, x.columns);
    },

    multiplyGated(gates, { rows: wide, first }, activation) {
      const operation = 'multiply by gates';
      const [x, ups] = [nodes.of(gates), nodes.of(wide)];
      const { rows, columns } = gates;
      assertSize(operation, 'rows of ups', rows, wide.rows);
      assertColumns(operation, 'columns of ups', first, columns, wide.columns);
      assertActivation(operation, activation, true);
      return nodes.keep({ kind: 'multiplyGated', x, ups, first, activation }, rows, columns);
    },
  };
}
