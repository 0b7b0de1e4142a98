// A backend that decodes weights to float32 before it holds them: as exact as the reference backend where its kernels of
// floats are, and many times sooner.
import type { Backend, MatrixData, MlpData } from '@moeq/kernels';
import { decodeTensor, isQuantized } from '@moeq/tensors';

export function decodedBackend(backend: Backend): Backend {
  return {
    ...backend,
    loadWeight: (parts) => backend.loadWeight(parts.map(decoded)),
    loadExperts: (experts, expert) =>
      backend.loadExperts(experts, async (index) => decodedMlp(await expert(index))),
    loadMlp: (data) => backend.loadMlp(decodedMlp(data)),
  };
}

function decodedMlp({ gateUp, down }: MlpData): MlpData {
  return { gateUp: gateUp.map(decoded), down: decoded(down) };
}

function decoded(data: MatrixData): MatrixData {
  if (!isQuantized(data)) return data;
  const numbers = decodeTensor(data);
  const bytes = new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
  return { dtype: 'F32', shape: data.shape, data: bytes };
}
