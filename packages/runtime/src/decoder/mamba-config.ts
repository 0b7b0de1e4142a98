// What Mamba layers are, and their sizes.
//
// Shapes: H heads, P numbers of a head, I = H P, N numbers of a state, G groups, k taps, R numbers that time steps are made of.

interface CommonConfig {
  readonly kind: 'mamba';
  /** H; in Mamba, of which every channel is one, I. */
  readonly heads: number;
  /** P; 1 in Mamba. */
  readonly headDim: number;
  /** N */
  readonly stateDim: number;
  /** G: heads of a group have B and C in common; 1 in Mamba. */
  readonly groups: number;
  /** k, at least 2: inputs that an output of the convolution is made of. */
  readonly taps: number;
  readonly tapsBias: boolean;
  /** Whether what makes inputs and outputs has biases. */
  readonly bias: boolean;
}

/** Time steps, B and C are made of x, and normed; every number of a state has a decay. */
export interface Mamba1Config extends CommonConfig {
  readonly version: 1;
  /** R */
  readonly timeStepRank: number;
}

/** They come from the input, a head has one decay, and outputs are normed. */
interface Mamba2Config extends CommonConfig {
  readonly version: 2;
  /** Parts of the output that are normed by themselves. */
  readonly normGroups: number;
  /** Time steps are held within; infinity: no limit. */
  readonly leastTimeStep: number;
  readonly largestTimeStep: number;
}

export type MambaConfig = Mamba1Config | Mamba2Config;

/** I */
export function innerSize({ heads, headDim }: MambaConfig): number {
  return heads * headDim;
}

/** Of the convolution: x, and in Mamba 2 B and C with it. */
export function convolutionChannels(config: MambaConfig): number {
  const { version, groups, stateDim } = config;
  return innerSize(config) + (version === 2 ? 2 * groups * stateDim : 0);
}

/** What the input becomes: Mamba 2's gates, x, B, C and time steps, or Mamba's x and gates. */
export function inputRows(config: MambaConfig): number {
  return innerSize(config) + convolutionChannels(config) + (config.version === 2 ? config.heads : 0);
}
