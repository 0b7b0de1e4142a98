// The operations of the contract: each finds what is behind its operands, compares their shapes and records.
import { MoeqError } from '@moeq/tensors';
import { assertColumns, assertGroups, assertIndices, assertSize, inputColumns } from '../shapes/assert.js';
import type { Step } from '../step.js';
import { checkedMixers } from './checked-mixers.js';
import { checkedMlps } from './checked-mlps.js';
import type { BackendObjects, BackendTypes } from './objects.js';
import { nodesOf, type StepNodes } from './step-nodes.js';

export function checkedOperations<T extends BackendTypes>(
  objects: BackendObjects<T>,
  step: StepNodes<T>,
): Omit<Step, 'read' | 'readRouting'> {
  const nodes = nodesOf(objects, step);
  const { live, checkOpen } = step;

  return {
    ...checkedMixers(objects, nodes),
    ...checkedMlps(objects, nodes, step),

    input(values, rows) {
      checkOpen();
      const columns = inputColumns(values.length, rows);
      return nodes.keep({ kind: 'input', values: values.slice() }, rows, columns);
    },

    embed(handle, ids, scale = 1) {
      checkOpen();
      const table = objects.weights.get(handle);
      assertIndices('embed', 'token ids', ids, handle.rows);
      return nodes.keep({ kind: 'embed', table, ids: ids.slice(), scale }, ids.length, handle.columns);
    },

    norm(x, { weight: handle, epsilon, centred = false, bias: added, first, groups = 1 }) {
      const node = nodes.of(x);
      const columns = first === undefined ? x.columns : handle.length;
      const weight = nodes.vector('norm', 'norm weights', columns, handle);
      const bias = added === undefined ? null : nodes.vector('norm', 'norm bias', columns, added);
      assertColumns('norm', 'columns of the activations', first ?? 0, columns, x.columns);
      assertGroups('norm', columns, groups);
      const operands = { weight, epsilon, centred, bias, first: first ?? 0, groups };
      return nodes.keep({ kind: 'norm', x: node, ...operands }, x.rows, columns);
    },

    linear(x, handle, added, cap = 0) {
      const node = nodes.of(x);
      const weight = objects.weights.get(handle);
      assertSize('multiply', 'columns of the activations', handle.columns, x.columns);
      const bias = added === undefined ? null : nodes.vector('multiply', 'bias', handle.rows, added);
      if (!(cap >= 0 && cap < Infinity))
        throw new MoeqError({
          code: 'mismatch',
          operation: 'multiply',
          subject: 'cap',
          expected: 'a finite number from 0',
          found: String(cap),
        });
      return nodes.keep({ kind: 'linear', x: node, weight, bias, cap }, x.rows, handle.rows);
    },

    add(a, b, scale = 1) {
      const left = nodes.of(a);
      const right = nodes.of(b);
      assertSize('add', 'rows', a.rows, b.rows);
      assertSize('add', 'columns', a.columns, b.columns);
      const sum = nodes.keep({ kind: 'add', a: left, b: right, scale }, a.rows, a.columns);
      live.delete(a);
      return sum;
    },

    selectRows(x, rows) {
      const node = nodes.of(x);
      assertIndices('select rows', 'row indices', rows, x.rows);
      if (rows.length === x.rows && rows.every((row, index) => row === index)) {
        return live.add({ rows: x.rows, columns: x.columns }, node);
      }
      return nodes.keep({ kind: 'select', x: node, rows: rows.slice() }, rows.length, x.columns);
    },
  };
}
