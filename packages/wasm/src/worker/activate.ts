// The activation of an MLP on rows of inner numbers.
import type { View } from '../abi/decode.js';
import type { Instructions } from '../abi/instructions.js';
import type { KernelExports } from '../kernel-exports.js';

/** h = act(h) * up, or without a gate h = act(h), of `length` float32. */
type Activate = (kernels: KernelExports, h: number, up: number, length: number) => void;

/** Reads the operands once for all rows. */
export function activationOf(operands: View<Instructions['activate']['activation']>): Activate {
  const { kind, gated, alpha, inputLimit, outputLimit, upLimit, upOffset } = operands;
  return gated
    ? (kernels, h, up, length) =>
        kernels.activateGated(h, up, kind, alpha, inputLimit, outputLimit, upLimit, upOffset, length)
    : (kernels, h, _, length) => kernels.activate(h, kind, alpha, inputLimit, outputLimit, length);
}
