// What is joined to what, of graphs that are built by hand: no device runs.
import { describe, expect, test } from 'vitest';
import type { StoredVector } from '../weights/store.js';
import { fuse } from './fuse.js';
import { GraphNode, type OperationOf } from './graph.js';

const [rows, columns] = [2, 8];
/** Never looked at. */
const weight = {} as StoredVector;

/** Records operations as a step does. */
class Graph {
  readonly nodes: GraphNode[] = [];

  #add(node: GraphNode): GraphNode {
    this.nodes.push(node);
    return node;
  }

  input(): GraphNode {
    return this.#add(
      new GraphNode({ kind: 'input', values: new Float32Array(rows * columns) }, rows, columns),
    );
  }

  norm(x: GraphNode, change: Partial<OperationOf<'norm'>> = {}): GraphNode {
    const operation: OperationOf<'norm'> = {
      ...{ kind: 'norm', x, first: 0, groups: 1, weight, epsilon: 1e-6, centred: false, bias: null },
      ...change,
    };
    return this.#add(new GraphNode(operation, rows, columns));
  }

  add(a: GraphNode, b: GraphNode, scale = 1): GraphNode {
    return this.#add(new GraphNode({ kind: 'add', a, b, scale }, rows, columns));
  }

  fuse(...targets: GraphNode[]) {
    return fuse(this.nodes, new Set(targets));
  }
}

describe('a norm and the addition that alone reads it', () => {
  test('are one dispatch, with the scale on the side that has it', () => {
    for (const side of ['left', 'right'] as const) {
      const graph = new Graph();
      const [x, other] = [graph.input(), graph.input()];
      const norm = graph.norm(x);
      const sum = side === 'left' ? graph.add(norm, other, 0.5) : graph.add(other, norm, 0.5);
      const { normed, absorbed, order } = graph.fuse(sum);
      const scales = side === 'left' ? { scale: 1, otherScale: 0.5 } : { scale: 0.5, otherScale: 1 };
      expect(normed.get(sum)).toEqual({ norm, other, ...scales });
      expect([...absorbed]).toEqual([norm]);
      expect(order).toEqual([x, other, sum]);
    }
  });

  test('of two norms the right one goes along', () => {
    const graph = new Graph();
    const [left, right] = [graph.norm(graph.input()), graph.norm(graph.input())];
    const sum = graph.add(left, right);
    const { normed, absorbed, order } = graph.fuse(sum);
    expect(normed.get(sum)).toMatchObject({ norm: right, other: left });
    expect([...absorbed]).toEqual([right]);
    expect(order).toContain(left);
  });

  test('stay apart where the norm is read elsewhere, is wanted itself, is added to itself, or has groups', () => {
    const cases: Readonly<Record<string, (graph: Graph) => readonly GraphNode[]>> = {
      'another reader': (graph) => {
        const norm = graph.norm(graph.input());
        const sum = graph.add(graph.input(), norm);
        return [graph.add(sum, norm)];
      },
      wanted: (graph) => {
        const norm = graph.norm(graph.input());
        return [graph.add(graph.input(), norm), norm];
      },
      'added to itself': (graph) => {
        const norm = graph.norm(graph.input());
        return [graph.add(norm, norm)];
      },
      groups: (graph) => [graph.add(graph.input(), graph.norm(graph.input(), { groups: 2 }))],
    };
    for (const [name, make] of Object.entries(cases)) {
      const graph = new Graph();
      const { normed, absorbed, order, needed } = graph.fuse(...make(graph));
      expect(normed.size, name).toBe(0);
      expect(absorbed.size, name).toBe(0);
      expect(order, name).toEqual(needed);
    }
  });

  test('what has no reader does not run', () => {
    const graph = new Graph();
    const x = graph.input();
    graph.add(graph.input(), graph.norm(x));
    expect(graph.fuse(x).order).toEqual([x]);
  });
});
