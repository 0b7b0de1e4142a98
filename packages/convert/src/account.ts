// The running account of a conversion: bytes written for each tensor, held against the plan, and what quantizing lost. The
// report is made of it.
import { elementCount, MoeqError, quote } from '@moeq/tensors';
import { type ErrorMeter, errorMeter } from './error-meter.js';
import { partBytes } from './form.js';
import type { ConversionPlan, PlannedTensor } from './plan.js';
import type { QuantizeReport, RoleSummary, WrittenFile } from './report.js';

export interface Account {
  readonly errors: Pick<ErrorMeter, 'add'>;
  /** More bytes of a tensor are in the output. */
  wrote(tensor: PlannedTensor, bytes: number): void;
  /** @throws MoeqError naming the first tensor that was not written as planned */
  check(): void;
  report(facts: Outcome): QuantizeReport;
}

/** What is known when all is done. */
interface Outcome {
  readonly out: string;
  readonly files: readonly WrittenFile[];
  readonly seconds: number;
  readonly peakRssBytes: number;
}

export function openAccount(plan: ConversionPlan): Account {
  const meter = errorMeter();
  const written = new Map<PlannedTensor, number>();
  return {
    errors: meter,
    wrote: (tensor, bytes) => void written.set(tensor, (written.get(tensor) ?? 0) + bytes),
    check() {
      for (const tensor of plan.tensors) assertAsPlanned(tensor, written.get(tensor) ?? 0);
    },
    report({ out, files, seconds, peakRssBytes }) {
      const byRole = summarize(plan, written, meter);
      return {
        out,
        recipe: plan.recipe.name,
        form: plan.form,
        bytes: { in: plan.bytesIn, out: byRole.reduce((sum, { bytesOut }) => sum + bytesOut, 0) },
        seconds,
        peakRssBytes,
        coverage: plan.coverage,
        errors: { byRole: meter.byRole(), worst: meter.worst() },
        files,
        byRole,
        warnings: plan.warnings,
        notes: plan.recipe.notes,
      };
    },
  };
}

function assertAsPlanned({ source, parts, bytes }: PlannedTensor, written: number): void {
  const open = parts.reduce((sum, part) => sum + ('maxBytes' in part ? partBytes(part) : 0), 0);
  if (written <= bytes && written > bytes - open - Number(open === 0)) return;
  throw new MoeqError({
    operation: 'quantize',
    subject: quote(source.facts.name, 200),
    expected: `${open === 0 ? '' : 'at most '}${bytes} bytes, as planned`,
    found: `${written}`,
  });
}

function summarize(
  plan: ConversionPlan,
  written: ReadonlyMap<PlannedTensor, number>,
  meter: ErrorMeter,
): RoleSummary[] {
  const roles = new Map(plan.tensors.map(({ source }) => [source.facts.role, [] as PlannedTensor[]]));
  for (const tensor of plan.tensors) roles.get(tensor.source.facts.role)?.push(tensor);
  return [...roles].map(([role, tensors]) => {
    const sum = (count: (tensor: PlannedTensor) => number) =>
      tensors.reduce((total, tensor) => total + count(tensor), 0);
    const parameters = sum(({ source }) => elementCount(source.facts.shape));
    const bytesOut = sum((tensor) => written.get(tensor) ?? 0);
    return {
      role,
      stored: [...new Set(tensors.map(storedAs))],
      tensors: tensors.length,
      parameters,
      bytesIn: sum(({ source }) => source.bytes),
      bytesOut,
      bitsPerWeight: parameters === 0 ? 0 : (8 * bytesOut) / parameters,
      relativeError: meter.ofRole(role),
    };
  });
}

const storedAs = ({ source, action }: PlannedTensor): string =>
  action === 'keep' ? source.stored : action.name;
