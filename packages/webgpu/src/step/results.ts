// Where results are while operations become dispatches, as fuse.ts has joined them: an absorbed norm is taken along by its
// reader, and an addition that was joined to its maker names the result.
import { MoeqError } from '@moeq/tensors';
import type { Epilogue, NormInput } from './dispatch-matrix.js';
import type { Fusion } from './fuse.js';
import type { Node } from './graph.js';
import { isKind } from './graph.js';
import { Slot } from './program.js';

export class Results {
  readonly #fusion: Fusion;

  constructor(fusion: Fusion) {
    this.#fusion = fusion;
  }

  /** A node's result, and the norm that its reader has to take along. */
  input(node: Node): { x: Slot; norm: NormInput | null } {
    if (isKind(node, 'norm') && this.#fusion.absorbed.has(node)) {
      const { x, weight, epsilon } = node.operation;
      return { x: this.of(x), norm: { weight, epsilon } };
    }
    return { x: this.of(node), norm: null };
  }

  /** @throws MoeqError when the node has not run */
  of(node: Node): Slot {
    if (node.slot === null) {
      throw new MoeqError({
        operation: 'run',
        subject: node.operation.kind,
        expected: 'its inputs first',
        found: 'none',
      });
    }
    return node.slot;
  }

  /** A new result. */
  make(node: Node): Slot {
    node.slot = new Slot(node.operation.kind, node.bytes);
    return node.slot;
  }

  /** The slot of the result, and the additions that go with it. */
  output(node: Node): { out: Slot; residuals: Epilogue['residuals'] } {
    const joined = this.#fusion.joined.get(node);
    if (joined === undefined) return { out: this.make(node), residuals: [] };
    const residuals = joined.adds.map(({ operation }) => ({
      slot: this.of(operation.a),
      scale: operation.scale,
    }));
    return { out: this.make(joined.root), residuals };
  }
}
