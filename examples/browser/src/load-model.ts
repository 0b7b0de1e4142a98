// A model over HTTP into a backend, its experts quantized on the way where a recipe says so.
import type { Backend } from '@moeq/kernels';
import { type OpenedModel, openModel } from '@moeq/loader';
import { createEngine, createModel, type Engine, type Model } from '@moeq/runtime';
import type { HttpProgress } from '@moeq/tensors';
import { modelFiles } from '@moeq/tiny-moe';
import { wasmEncoder } from '@moeq/wasm';
import { type BackendChoice, openBackend } from './backend.ts';

export interface LoadRequest {
  /** URL of a folder with a checkpoint or of a .gguf file; empty: tiny-moe, whose files were built into the page. */
  readonly where: string;
  /** `bf16`: as it is stored. */
  readonly recipe: string;
  readonly backend: BackendChoice;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: LoadingProgress) => void;
}

export interface LoadingProgress {
  readonly step: 'opening' | 'loading' | 'compiling';
  /** From 0 to 1: half of it bytes that came, half weights that are in their place. */
  readonly fraction: number;
  /** Of all files that were opened so far. */
  readonly received: number;
  readonly size: number;
}

export interface Loaded {
  readonly model: Model;
  readonly engine: Engine;
  readonly notices: readonly string[];
  /** In the backend's memory; the norms, a few kilobytes, left out. */
  readonly bytesByRole: ReadonlyMap<string, number>;
  /** Of the weights in the files. */
  readonly storedBytes: number;
  close(): Promise<void>;
}

/** @throws MoeqError naming what was expected and found; the signal's reason when it aborts. Nothing stays loaded then. */
export async function loadModel(request: LoadRequest): Promise<Loaded> {
  const { backend, notice } = await openBackend(request.backend);
  try {
    const { model, source } = await fetchInto(backend, request);
    const report = source.report();
    const bytesByRole = new Map<string, number>();
    for (const { role, bytes } of report.tensors) {
      bytesByRole.set(role, (bytesByRole.get(role) ?? 0) + bytes.loaded);
    }
    const engine = createEngine(model, { maxBatch: 1 });
    return {
      model,
      engine,
      notices: [...(notice === null ? [] : [notice]), ...report.notices],
      bytesByRole,
      storedBytes: report.tensors.reduce((sum, { bytes }) => sum + bytes.stored, 0),
      async close() {
        await engine.close();
        await model.close();
        await backend.destroy();
      },
    };
  } catch (error) {
    await backend.destroy();
    throw error;
  }
}

async function fetchInto(
  backend: Backend,
  { where, recipe, signal, onProgress }: LoadRequest,
): Promise<{ model: Model; source: OpenedModel }> {
  const files = new Map<string, HttpProgress>();
  let placed = 0;
  const report = (step: LoadingProgress['step']) => {
    const sum = (count: (file: HttpProgress) => number) =>
      [...files.values()].reduce((total, file) => total + count(file), 0);
    const size = sum((file) => file.size ?? 0);
    const received = Math.min(
      size,
      sum((file) => file.received),
    );
    onProgress({ step, fraction: placed / 2 + (size === 0 ? 0 : received / size / 2), received, size });
  };
  const http = {
    signal,
    onProgress: (file: HttpProgress) => {
      files.set(file.name, file);
      report(placed === 0 ? 'opening' : 'loading');
    },
  };
  const encoder = recipe === 'bf16' ? null : wasmEncoder();
  try {
    const quantizing = encoder === null ? {} : { recipe, encoder };
    const source = await (where === ''
      ? openModel(modelFiles, { name: 'tiny-moe', http, ...quantizing })
      : openModel(where, { http, ...quantizing }));
    try {
      const onWeight = ({ loaded, total }: { loaded: number; total: number }) => {
        placed = loaded / total;
        report('loading');
      };
      const model = await createModel(source, { backend, signal, onProgress: onWeight });
      if (backend.name === 'webgpu') {
        report('compiling');
        await warmUp(model);
      }
      return { model, source };
    } finally {
      await source.close();
    }
  } finally {
    await encoder?.close();
  }
}

/** Has a GPU compile what short prompts and single tokens need, so that the first text does not wait for it. */
async function warmUp(model: Model): Promise<void> {
  await model.complete([0, 0, 0, 0], { maxNewTokens: 2, temperature: 0, stopTokenIds: [] });
}
