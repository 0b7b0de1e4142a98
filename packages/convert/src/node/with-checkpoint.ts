// The checkpoint that a conversion reads: opened for it, or open already, which it stays.
import { type Checkpoint, openCheckpoint } from '@moeq/loader';
import { resolveModel } from '@moeq/loader/node';

interface Model {
  readonly model: string | Checkpoint;
  readonly allowLinks?: boolean | undefined;
}

/** @throws what resolving and opening throw, and what `use` throws */
export async function withCheckpoint<Result>(
  { model, allowLinks = false }: Model,
  options: Parameters<typeof openCheckpoint>[1],
  use: (checkpoint: Checkpoint) => Promise<Result>,
): Promise<Result> {
  if (typeof model !== 'string') return use(model);
  const checkpoint = await openCheckpoint(await resolveModel(model, { allowLinks }), options);
  try {
    return await use(checkpoint);
  } finally {
    await checkpoint.close();
  }
}
