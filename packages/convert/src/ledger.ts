// What a conversion did, as plain data: it can be written down, read back, added up, and made a report of.
import type { Role } from '@moeq/quantizers';
import { isDType, relativeError, type SquaredNorms } from '@moeq/tensors';
import type { Coverage, QuantizeReport, RoleSummary, TensorError, WrittenFile } from './report.js';

/** One tensor of the model, before and after. */
export interface TensorRecord {
  readonly name: string;
  readonly role: Role;
  /** As in `TensorFacts`; absent: it holds matrices. */
  readonly isMatrix?: boolean;
  /** A dtype, in the input. */
  readonly before: string;
  /** A dtype or a format, in the output; as `before` where the tensor was kept. */
  readonly after: string;
  readonly parameters: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** The tensors of the output's files that hold it. */
  readonly parts: readonly PartRecord[];
}

/** A tensor of the output's files. */
export interface PartRecord {
  readonly name: string;
  /** Of one whose length depends on its content: the bound by which its file was laid out. */
  readonly maxBytes?: number;
}

export interface Ledger {
  /** Name of the recipe. */
  readonly recipe: string;
  readonly form: QuantizeReport['form'];
  readonly notes: readonly string[];
  readonly warnings: readonly string[];
  readonly tensors: readonly TensorRecord[];
  /** Of the weights of each role that are stored otherwise than before. */
  readonly norms: Readonly<Partial<Record<Role, SquaredNorms>>>;
  /** Worst first. */
  readonly worst: readonly TensorError[];
}

/** Matrices that a report names as the worst. */
export const worstKept = 10;

/** What is known besides when all is done. */
export interface Outcome {
  readonly out: string;
  readonly files: readonly WrittenFile[];
  readonly seconds: number;
  readonly peakRssBytes: number;
}

export function reportOf(ledger: Ledger, { out, files, seconds, peakRssBytes }: Outcome): QuantizeReport {
  const { recipe, form, tensors, norms, worst, warnings, notes } = ledger;
  const errors = Object.entries(norms).map(([role, norm]) => [role, relativeError(norm)] as const);
  return {
    out,
    recipe,
    form,
    bytes: { in: sum(tensors, 'bytesIn'), out: sum(tensors, 'bytesOut') },
    seconds,
    peakRssBytes,
    coverage: coverageOf(tensors),
    errors: { byRole: Object.fromEntries(errors), worst },
    files,
    byRole: summarize(ledger),
    warnings,
    notes,
  };
}

/** The ledgers of the parts of one conversion as one, in the order of the parts. */
export function joinLedgers(first: Ledger, ...others: readonly Ledger[]): Ledger {
  const all = [first, ...others];
  const norms: Partial<Record<Role, SquaredNorms>> = {};
  for (const [role, norm] of all.flatMap(
    (ledger) => Object.entries(ledger.norms) as [Role, SquaredNorms][],
  )) {
    const { weights, difference } = norms[role] ?? { weights: 0, difference: 0 };
    norms[role] = { weights: weights + norm.weights, difference: difference + norm.difference };
  }
  return {
    ...first,
    tensors: all.flatMap(({ tensors }) => tensors),
    norms,
    worst: all
      .flatMap(({ worst }) => worst)
      .sort((a, b) => b.relativeError - a.relativeError)
      .slice(0, worstKept),
  };
}

/** How much of the matrices of experts was quantized, counted in bytes of the input; biases do not count. */
export function coverageOf(
  tensors: readonly Pick<TensorRecord, 'role' | 'isMatrix' | 'after' | 'bytesIn'>[],
): Coverage {
  const experts = tensors.filter(({ role, isMatrix = true }) => role === 'expert' && isMatrix);
  const expertBytesTotal = sum(experts, 'bytesIn');
  const expertBytesQuantized = sum(
    experts.filter(({ after }) => !isDType(after)),
    'bytesIn',
  );
  const fraction = expertBytesTotal === 0 ? 1 : expertBytesQuantized / expertBytesTotal;
  return { expertBytesQuantized, expertBytesTotal, fraction };
}

function summarize({ tensors, norms }: Ledger): RoleSummary[] {
  const roles = Map.groupBy(tensors, ({ role }) => role);
  return [...roles].map(([role, own]) => {
    const parameters = sum(own, 'parameters');
    const bytesOut = sum(own, 'bytesOut');
    const isKept = own.every(({ before, after }) => before === after);
    return {
      role,
      stored: [...new Set(own.map(({ after }) => after))],
      tensors: own.length,
      parameters,
      bytesIn: sum(own, 'bytesIn'),
      bytesOut,
      bitsPerWeight: parameters === 0 ? 0 : (8 * bytesOut) / parameters,
      relativeError: relativeError(norms[role] ?? (isKept ? nothing : unmeasured)),
    };
  });
}

const nothing: SquaredNorms = { weights: 0, difference: 0 };

/** Of weights that were changed with no word of how far. */
const unmeasured: SquaredNorms = { weights: Number.NaN, difference: Number.NaN };

function sum<Key extends string>(items: readonly Readonly<Record<Key, number>>[], key: Key): number {
  return items.reduce((total, item) => total + item[key], 0);
}
