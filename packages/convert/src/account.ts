// What a conversion has done so far: bytes written for each tensor, compared with the plan in the end, and errors of quantizing.
import { isMatrix, type Role } from '@moeq/quantizers';
import { elementCount, MoeqError, quote, relativeError, type SquaredNorms } from '@moeq/tensors';
import { partBytes, storedAs } from './form.js';
import { type Ledger, type TensorRecord, worstKept } from './ledger.js';
import type { ConversionPlan, TensorPlan } from './plan.js';
import type { TensorError } from './report.js';

export interface Account {
  /** More bytes of a tensor are written. */
  addBytes(tensor: TensorPlan, bytes: number): void;
  /** A matrix has been quantized. */
  addError(matrix: Omit<TensorError, 'relativeError'>, norms: SquaredNorms): void;
  /** @throws MoeqError naming the first tensor that was not written as planned */
  close(): Ledger;
}

export function openAccount({ recipe, form, warnings, notes, tensors }: ConversionPlan): Account {
  const written = new Map<TensorPlan, number>();
  const norms: Partial<Record<Role, SquaredNorms>> = {};
  const worst: TensorError[] = [];
  return {
    addBytes: (tensor, bytes) => void written.set(tensor, (written.get(tensor) ?? 0) + bytes),
    addError(matrix, { weights, difference }) {
      const before = norms[matrix.role] ?? { weights: 0, difference: 0 };
      norms[matrix.role] = { weights: before.weights + weights, difference: before.difference + difference };
      const entry = { ...matrix, relativeError: relativeError({ weights, difference }) };
      const rank = worst.findIndex((other) => other.relativeError < entry.relativeError);
      worst.splice(rank < 0 ? worst.length : rank, 0, entry);
      worst.length = Math.min(worst.length, worstKept);
    },
    close: () => ({
      recipe: recipe.name,
      form,
      notes,
      warnings,
      tensors: tensors.map((tensor) => recordOf(tensor, written.get(tensor) ?? 0)),
      norms,
      worst,
    }),
  };
}

function recordOf(tensor: TensorPlan, bytesOut: number): TensorRecord {
  const { source, action, parts, bytes } = tensor;
  const { name, role, shape } = source.facts;
  const open = parts.reduce((total, part) => total + ('maxBytes' in part ? partBytes(part) : 0), 0);
  if (bytesOut > bytes || bytesOut < bytes - open) {
    throw new MoeqError({
      operation: 'quantize',
      subject: quote(name, 200),
      expected: `${open === 0 ? '' : 'at most '}${bytes} bytes, as planned`,
      found: `${bytesOut}`,
    });
  }
  return {
    name,
    role,
    isMatrix: isMatrix(source.facts),
    before: source.stored,
    after: storedAs(action, source),
    parameters: elementCount(shape),
    bytesIn: source.bytes,
    bytesOut,
    parts: parts.map((part) => ({
      name: part.name,
      ...('maxBytes' in part && { maxBytes: part.maxBytes }),
    })),
  };
}
