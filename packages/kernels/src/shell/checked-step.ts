// The life of a step: open while its body runs; then operations and reads are refused, and the reads that were asked for are
// waited for. What each operation checks is in operations.ts.
import type { Routing } from '@moeq/router';
import { MoeqError } from '@moeq/tensors';
import type { Activations, RoutingHandle, Step } from '../step.js';
import { checkedOperations } from './checked-operations.js';
import { Handles } from './handles.js';
import type { BackendObjects, BackendTypes } from './objects.js';
import type { RawStep } from './raw-backend.js';

export interface CheckedStep {
  readonly step: Step;
  /**
   * Refuses all that comes later, waits for the reads, and lets go of the activations.
   * @throws the error of the first read that failed
   */
  end(): Promise<void>;
}

/** @param reads whether reads are answered; false: refused, since nothing runs */
export function checkedStep<T extends BackendTypes>(
  objects: BackendObjects<T>,
  raw: RawStep<T>,
  reads: boolean,
): CheckedStep {
  const live = new Handles<Activations, T['node']>('activations');
  const routings = new Handles<RoutingHandle, T['node']>('routing');
  let open = true;
  const answers: Promise<void>[] = [];
  let failure: { readonly error: unknown } | null = null;

  const checkOpen = (): void => {
    if (open) return;
    throw new MoeqError({
      code: 'stepEnded',
      operation: 'run an operation',
      subject: 'step',
      expected: 'a running step',
      found: 'one that has ended',
    });
  };

  /** Refuses at once what cannot be read; the promise counts as handled, since a failure is the step's as well. */
  const read = <Handle extends object, Result>(
    handles: Handles<Handle, T['node']>,
    handle: Handle,
    decode: (bytes: ArrayBufferLike) => Result,
  ): Promise<Result> => {
    checkOpen();
    const node = handles.get(handle);
    if (!reads) {
      throw new MoeqError({
        operation: 'read',
        subject: 'warm-up',
        expected: 'operations alone, of which none runs',
        found: 'a read',
      });
    }
    const answer = raw.read(node).then(decode);
    answers.push(
      answer.then(
        () => {},
        (error: unknown) => {
          failure ??= { error };
        },
      ),
    );
    return answer;
  };

  const step: Step = {
    ...checkedOperations(objects, {
      live,
      routings,
      checkOpen,
      record: (operation, rows, columns) => raw.record(operation, rows, columns),
    }),
    read: (x) => settled(() => read(live, x, (bytes) => new Float32Array(bytes))),
    readRouting: (routing) =>
      settled(() => read(routings, routing, (bytes) => decodeRouting(bytes, routing))),
  };

  const end = async (): Promise<void> => {
    open = false;
    await Promise.all(answers);
    live.clear();
    routings.clear();
    if (failure !== null) throw failure.error;
  };
  return { step, end };
}

/** What `work` promises, or a promise that rejects with what it throws. */
function settled<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return work();
  } catch (error) {
    return Promise.reject(error);
  }
}

/** @param bytes Int32 [T, A], then Float32 [T, A] */
function decodeRouting(bytes: ArrayBufferLike, { tokens, expertsPerToken }: RoutingHandle): Routing {
  const assignments = tokens * expertsPerToken;
  return {
    tokens,
    expertsPerToken,
    expertIndices: new Int32Array(bytes, 0, assignments).slice(),
    expertWeights: new Float32Array(bytes, 4 * assignments, assignments).slice(),
  };
}
