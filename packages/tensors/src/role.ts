// What a tensor is for. Precision follows the role, never a substring of a name.

export const roles = [
  'expert',
  'sharedExpert',
  'router',
  'attention',
  'denseMlp',
  'embedding',
  'head',
  'norm',
  /** Beside the decoder: buffers, cache scales, prediction heads, towers. Carried through as they are, never run. */
  'other',
] as const;

export type Role = (typeof roles)[number];

export const projections = [
  'gateProj',
  'upProj',
  'downProj',
  /** gate and up in one fused tensor */
  'gateUpProj',
  'queryProj',
  'keyProj',
  'valueProj',
  'outputProj',
] as const;

export type Projection = (typeof projections)[number];
