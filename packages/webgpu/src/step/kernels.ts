// Kernels by what they are for, assembled once each: shader text is long, and a token needs hundreds of them.
import { type Activation, activationName } from '@moeq/kernels';
import type { MatrixKind } from '../wgsl/matrix-kind.js';
import { kindName } from '../wgsl/matrix-kind.js';
import { mergeKernels } from '../wgsl/merge.js';
import { routeName } from '../wgsl/route.js';
import type { RouterOptions } from '../wgsl/router.js';
import { routerKernel } from '../wgsl/router.js';
import type { Fields, Kernel } from '../wgsl/shader.js';
import type { TileKernel, TileOptions } from '../wgsl/tile.js';
import { tileKernel } from '../wgsl/tile.js';
import type { VectorKernel, VectorOptions } from '../wgsl/vector.js';
import { vectorKernel } from '../wgsl/vector.js';

const nameOf = (activation: Activation | null): string =>
  activation === null ? '' : activationName(activation);

export class Kernels {
  readonly subgroups: boolean;
  readonly #made = new Map<string, unknown>();
  readonly #names = new WeakMap<MatrixKind, string>();

  constructor(subgroups: boolean) {
    this.subgroups = subgroups;
  }

  /** The kernel of that name, made at its first use. The name has to say everything that `make` depends on. */
  get<Made>(name: string, make: () => Made): Made {
    const found = this.#made.get(name);
    if (found !== undefined) return found as Made;
    const made = make();
    this.#made.set(name, made);
    return made;
  }

  nameOf(kind: MatrixKind): string {
    let name = this.#names.get(kind);
    if (name === undefined) {
      name = kindName(kind);
      this.#names.set(kind, name);
    }
    return name;
  }

  vector(options: Omit<VectorOptions, 'subgroups'>): VectorKernel {
    const { kind, use, activation, normed, tokens } = options;
    const name = `vector ${use} ${nameOf(activation)} ${normed} ${tokens} ${this.nameOf(kind)}`;
    return this.get(name, () => vectorKernel({ ...options, subgroups: this.subgroups }));
  }

  tile(options: TileOptions, columns32: boolean): TileKernel {
    const { kind, use, activation } = options;
    const name = `tile ${use} ${nameOf(activation)} ${columns32} ${this.nameOf(kind)}`;
    return this.get(name, () => tileKernel(options, columns32));
  }

  /** Two kernels in one; `bindings` says which of theirs are the same. */
  merged(first: Kernel<Fields>, second: Kernel<Fields>, bindings: readonly number[]): Kernel<Fields> {
    const name = `${bindings.join()} ${first.shader.label} and ${second.shader.label}`;
    return this.get(name, () => mergeKernels(first, second, bindings));
  }

  router(options: Omit<RouterOptions, 'subgroups'>): ReturnType<typeof routerKernel> {
    const { kind, spec, hasBias, hasScales, normed } = options;
    const name = `router ${routeName(spec, hasBias, hasScales)} ${normed} ${this.nameOf(kind)}`;
    return this.get(name, () => routerKernel({ ...options, subgroups: this.subgroups }));
  }
}
