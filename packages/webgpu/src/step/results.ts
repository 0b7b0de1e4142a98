// Where results are while operations become dispatches, as fuse.ts has joined them: an absorbed norm is computed by its
// reader, and an addition that was joined to its maker names the result.
import { MoeqError } from '@moeq/tensors';
import type { Epilogue, NormInput } from './dispatch-matrix.js';
import type { Fusion, NormedSum } from './fuse.js';
import type { GraphNode } from './graph.js';
import { isKind } from './graph.js';
import { Transient } from './program.js';

export class Results {
  readonly #fusion: Fusion;

  constructor(fusion: Fusion) {
    this.#fusion = fusion;
  }

  /** A node's result, and the norm that its reader has to take along. */
  input(node: GraphNode): { x: Transient; norm: NormInput | null } {
    if (isKind(node, 'norm') && this.#fusion.absorbed.has(node)) {
      const { x, weight, epsilon } = node.operation;
      return { x: this.of(x), norm: { weight, epsilon } };
    }
    return { x: this.of(node), norm: null };
  }

  /** @throws MoeqError when the node has not run */
  of(node: GraphNode): Transient {
    if (node.result === null) {
      throw new MoeqError({
        operation: 'run',
        subject: node.operation.kind,
        expected: 'its inputs first',
        found: 'none',
      });
    }
    return node.result;
  }

  /** A new result. */
  make(node: GraphNode): Transient {
    node.result = new Transient(node.operation.kind, node.bytes);
    return node.result;
  }

  /** The norm that an addition takes along; undefined: none. */
  normedSum(node: GraphNode<'add'>): NormedSum | undefined {
    return this.#fusion.normed.get(node);
  }

  /** Where the result of a node is written, and the additions that go with it. */
  output(node: GraphNode): { out: Transient; residuals: Epilogue['residuals'] } {
    const joined = this.#fusion.joined.get(node);
    if (joined === undefined) return { out: this.make(node), residuals: [] };
    const residuals = joined.adds.map(({ operation }) => ({
      result: this.of(operation.a),
      scale: operation.scale,
    }));
    return { out: this.make(joined.root), residuals };
  }
}
