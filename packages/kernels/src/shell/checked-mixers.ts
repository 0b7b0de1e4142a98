// The mixers: attention, and what keeps states in its place.

import { assertColumns, assertIndices, assertSize } from '../shapes/assert.js';
import { attentionWidths } from '../shapes/attention.js';
import { attentionRow } from '../shapes/attention-row.js';
import { convolutionChannels } from '../shapes/convolution.js';
import { deltaRuleWidths } from '../shapes/delta-rule.js';
import { latentWidths } from '../shapes/latent.js';
import { type ScanWidths, scanWidths } from '../shapes/scan.js';
import type { Columns, Step } from '../step.js';
import type { BackendObjects, BackendTypes } from './objects.js';
import { SegmentCopies } from './segments.js';
import { StateSegmentCopies } from './state-segments.js';
import type { Nodes } from './step-nodes.js';

type Mixer = 'attention' | 'latentAttention' | 'convolution' | 'selectiveScan' | 'deltaRule';

export function checkedMixers<T extends BackendTypes>(
  objects: BackendObjects<T>,
  nodes: Nodes<T>,
): Pick<Step, Mixer> {
  const segmentCopies = new SegmentCopies();
  const stateCopies = new StateSegmentCopies();

  return {
    attention(qkv, handle, layer, given, spec) {
      const x = nodes.of(qkv);
      const cache = objects.caches.get(handle);
      const { output } = attentionWidths(spec, handle.spec);
      const { columns } = attentionRow(spec, handle.spec.valueDim ?? spec.headDim);
      assertSize('attend', 'columns of qkv', columns, qkv.columns);
      assertIndices('attend', 'layer', [layer], handle.spec.layers);
      const segments = segmentCopies.take(given, qkv.rows, handle.spec, spec);
      const norms = {
        query: spec.queryNorm === undefined ? null : objects.vectors.get(spec.queryNorm.weight),
        key: spec.keyNorm === undefined ? null : objects.vectors.get(spec.keyNorm.weight),
      };
      const sinks = spec.sinks === undefined ? null : objects.vectors.get(spec.sinks);
      return nodes.keep(
        { kind: 'attention', x, cache, layer, segments, spec, norms, sinks },
        qkv.rows,
        output,
      );
    },

    latentAttention(queryRows, latentRows, handle, pages, layer, given, spec) {
      const queries = nodes.of(queryRows);
      const latents = nodes.of(latentRows);
      const expansion = objects.heads.get(handle);
      const cache = objects.caches.get(pages);
      const widths = latentWidths(spec, pages.spec, handle);
      assertSize('attend', 'columns of the queries', widths.queries, queryRows.columns);
      assertSize('attend', 'columns of the latents', widths.latents, latentRows.columns);
      assertSize('attend', 'rows of the queries', latentRows.rows, queryRows.rows);
      assertIndices('attend', 'layer', [layer], pages.spec.layers);
      const segments = segmentCopies.take(given, latentRows.rows, pages.spec, { rope: spec.rope });
      const norm = objects.vectors.get(spec.norm.weight);
      return nodes.keep(
        { kind: 'latentAttention', queries, latents, expansion, cache, layer, segments, spec, norm },
        latentRows.rows,
        widths.output,
      );
    },

    convolution(input, handle, states, layer, given, options) {
      const { taps, gated, first: at = 0, bias: added, silu = false } = options;
      const x = nodes.of(input);
      const cache = objects.states.get(states);
      const channels = convolutionChannels(options, states.spec, input.columns);
      const weight = nodes.vector('convolve', 'weights', channels * taps, handle);
      const bias = added === undefined ? null : nodes.vector('convolve', 'bias', channels, added);
      assertIndices('convolve', 'layer', [layer], states.spec.layers);
      const segments = stateCopies.take('convolve', given, input.rows, states.spec);
      const { columns = { groups: 1, parts: [{ at, stride: 0, width: channels }] } } = options;
      const spec = { taps, gated, silu, columns };
      return nodes.keep(
        { kind: 'convolution', x, weight, bias, cache, layer, segments, spec },
        input.rows,
        channels,
      );
    },

    selectiveScan(given, handle, states, layer, sequences, spec) {
      const rows = given.x.rows.rows;
      const widths: ScanWidths = scanWidths(spec, states.spec);
      const columns = ({ rows: handle, first }: Columns, what: string, width: number) => {
        const node = nodes.of(handle);
        assertSize('scan', `rows of ${what}`, rows, handle.rows);
        assertColumns('scan', `columns of ${what}`, first, width, handle.columns);
        return { node, first };
      };
      const inputs = {
        x: columns(given.x, 'x', widths.inner),
        bc: columns(given.bc, 'B and C', widths.bc),
        timeStep: columns(given.timeStep, 'the time steps', spec.heads),
        gate: columns(given.gate, 'the gates', widths.inner),
      };
      const parameters = nodes.vector('scan', 'parameters', widths.parameters, handle);
      const cache = objects.states.get(states);
      assertIndices('scan', 'layer', [layer], states.spec.layers);
      const segments = stateCopies.take('scan', sequences, rows, states.spec);
      return nodes.keep(
        { kind: 'selectiveScan', inputs, parameters, cache, layer, segments, spec },
        rows,
        widths.inner,
      );
    },

    deltaRule(qkv, inputs, handle, states, layer, given, spec) {
      const operation = 'apply the delta rule';
      const { beta, decay, gate } = inputs;
      const operands = {
        x: nodes.of(qkv),
        beta: nodes.of(beta),
        decay: nodes.of(decay),
        gate: nodes.of(gate),
      };
      const cache = objects.states.get(states);
      const columns = { beta: beta.columns, decay: decay.columns, gate: gate.columns };
      const widths = deltaRuleWidths(spec, states.spec, columns);
      assertSize(operation, 'columns of qkv', widths.qkv, qkv.columns);
      for (const { rows } of [beta, decay, gate]) assertSize(operation, 'rows', qkv.rows, rows);
      const weights = nodes.vector(operation, 'weights', widths.weights, handle);
      assertIndices(operation, 'layer', [layer], states.spec.layers);
      const segments = stateCopies.take(operation, given, qkv.rows, states.spec);
      return nodes.keep(
        { kind: 'deltaRule', ...operands, weights, cache, layer, segments, spec },
        qkv.rows,
        widths.output,
      );
    },
  };
}
