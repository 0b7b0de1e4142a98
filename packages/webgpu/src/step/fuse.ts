// What of the recorded operations runs, in which order, and what is joined. Operations that the next one alone uses are
// joined to it:
//   an RMS norm of whole rows  into the multiplies that read it (few tokens)
//   router logits              into the choice of experts (few tokens)
//   an addition of a residual  into the multiply, experts or MLP that makes the other side
//   a norm of any kind         into the addition that alone reads it
// Everything else is one operation after the other, in the order of recording.
import { mostRouterBytes } from '../wgsl/router.js';
import type { GraphNode } from './graph.js';
import { isKind } from './graph.js';
import { mostVectorRows } from './multiply.js';

/** An add that was joined to what makes its right side. */
interface Joined {
  /** The last of the additions: it names the result. */
  readonly root: GraphNode;
  readonly adds: readonly GraphNode<'add'>[];
}

/** An addition one side of which is a norm: scale * norm + otherScale * other. */
export interface NormedSum {
  readonly norm: GraphNode<'norm'>;
  readonly scale: number;
  readonly other: GraphNode;
  readonly otherScale: number;
}

export interface Fusion {
  /** Everything that `targets` depend on and that is not ready, as recorded. */
  readonly needed: readonly GraphNode[];
  /** What has dispatches of its own, in the order in which they run. */
  readonly order: readonly GraphNode[];
  /** Additions by the node that they were joined to. */
  readonly joined: ReadonlyMap<GraphNode, Joined>;
  /** Norms that an addition takes along, by the addition. */
  readonly normed: ReadonlyMap<GraphNode, NormedSum>;
  /** Norms, additions and router logits that have no dispatch of their own. */
  readonly absorbed: ReadonlySet<GraphNode>;
  /** Whether a result is kept for a later read or operation of this step. */
  isHeld(node: GraphNode): boolean;
}

/**
 * @param recorded all nodes of the step, as recorded
 * @param targets what is wanted now
 */
export function fuse(recorded: readonly GraphNode[], targets: ReadonlySet<GraphNode>): Fusion {
  const fuser = new Fuser(targets);
  return fuser.run(recorded);
}

class Fuser {
  readonly #targets: ReadonlySet<GraphNode>;
  readonly #needed = new Set<GraphNode>();
  readonly #joined = new Map<GraphNode, Joined>();
  readonly #absorbed = new Set<GraphNode>();
  readonly #normed = new Map<GraphNode, NormedSum>();

  constructor(targets: ReadonlySet<GraphNode>) {
    this.#targets = targets;
  }

  run(recorded: readonly GraphNode[]): Fusion {
    for (const target of this.#targets) this.#need(target);
    const needed = recorded.filter((node) => this.#needed.has(node));
    for (const node of needed) this.#join(node);
    for (const node of needed) if (isKind(node, 'add') && !this.#absorbed.has(node)) this.#takeNorm(node);
    for (const node of needed) {
      if (isKind(node, 'norm') && this.#canAbsorb(node)) this.#absorbed.add(node);
      if (isKind(node, 'route') && this.#canRoute(node.operation.x, node)) {
        this.#absorbed.add(node.operation.x);
      }
    }
    // a multiply runs where the last addition that was joined to it stands, when all residuals are there
    const makerOf = new Map(Array.from(this.#joined, ([maker, { root }]) => [root, maker]));
    const order = needed.flatMap((node) => {
      const maker = makerOf.get(node);
      if (maker !== undefined) return [maker];
      return this.#absorbed.has(node) || this.#joined.has(node) ? [] : [node];
    });
    return {
      needed,
      order,
      joined: this.#joined,
      normed: this.#normed,
      absorbed: this.#absorbed,
      isHeld: (node) => this.#isHeld(node),
    };
  }

  #need(node: GraphNode): void {
    if (this.#needed.has(node) || node.ready) return;
    this.#needed.add(node);
    node.result = null;
    for (const input of node.inputs) this.#need(input);
  }

  /** Kept for a later read or operation of this step. */
  #isHeld(node: GraphNode): boolean {
    if (this.#targets.has(node) || isKind(node, 'route')) return true;
    return node.consumers.some((consumer) => !consumer.executed && !this.#needed.has(consumer));
  }

  #consumers(node: GraphNode): GraphNode[] {
    return node.consumers.filter((consumer) => this.#needed.has(consumer));
  }

  /** The one operation that uses the node, if it has no other reader. */
  #onlyConsumer(node: GraphNode): GraphNode | null {
    if (this.#targets.has(node)) return null;
    const [first, ...others] = this.#consumers(node);
    return others.length === 0 ? (first ?? null) : null;
  }

  #join(node: GraphNode): void {
    if (!isKind(node, 'linear') && !isKind(node, 'experts') && !isKind(node, 'mlp')) return;
    const adds: GraphNode<'add'>[] = [];
    let last: GraphNode = node;
    while (adds.length < 2) {
      const next = this.#onlyConsumer(last);
      if (next === null || !isKind(next, 'add') || next.operation.b !== last || next.operation.a === last)
        break;
      if (this.#absorbed.has(next)) break;
      adds.push(next);
      last = next;
    }
    if (adds.length === 0) return;
    for (const add of adds) this.#absorbed.add(add);
    this.#joined.set(node, { root: last, adds });
  }

  #takeNorm(node: GraphNode<'add'>): void {
    const { a, b, scale } = node.operation;
    for (const [norm, other, scales] of [
      [b, a, { scale, otherScale: 1 }],
      [a, b, { scale: 1, otherScale: scale }],
    ] as const) {
      if (!isKind(norm, 'norm') || !this.#needed.has(norm) || this.#onlyConsumer(norm) !== node) continue;
      if (norm.operation.groups !== 1 || norm === other) continue;
      this.#normed.set(node, { norm, other, ...scales });
      this.#absorbed.add(norm);
      return;
    }
  }

  #canAbsorb(node: GraphNode<'norm'>): boolean {
    const { centred, bias, groups, x } = node.operation;
    const isPlain = !centred && bias === null && groups === 1 && node.columns === x.columns;
    if (!isPlain || node.rows > mostVectorRows || this.#targets.has(node)) return false;
    return this.#consumers(node).every(({ operation }) => {
      if (operation.kind === 'linear') return operation.weight.groups.length > 0;
      return (operation.kind === 'experts' || operation.kind === 'mlp') && operation.x === node;
    });
  }

  /** Router logits that only `route` wants and that one workgroup can compute. */
  #canRoute(logits: GraphNode, route: GraphNode): logits is GraphNode<'linear'> {
    if (!isKind(logits, 'linear') || logits.rows > mostVectorRows || this.#onlyConsumer(logits) !== route)
      return false;
    const { weight, bias, cap } = logits.operation;
    const [group, ...others] = weight.groups;
    return (
      bias === null &&
      cap === 0 &&
      others.length === 0 &&
      group?.parts === 1 &&
      weight.bytes <= mostRouterBytes
    );
  }
}
