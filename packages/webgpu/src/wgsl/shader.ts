// A compute shader as text with its bindings: group 0, the uniforms at binding 0, storage buffers after them in the order
// in which they are listed. A kernel is a shader whose uniforms are typed by name, so that a forgotten parameter does not
// compile.

type Access = 'read' | 'write';

export interface StorageBinding {
  readonly name: string;
  /** `write` also reads. */
  readonly access: Access;
  /** WGSL type of the variable. */
  readonly type: string;
}

export interface Shader {
  /** For people: messages, profiles, snapshots. */
  readonly label: string;
  readonly code: string;
  readonly bindings: readonly Access[];
}

/** Scalars of the uniforms, in order. */
export type Fields = Readonly<Record<string, 'u32' | 'f32'>>;

export type Values<F extends Fields> = { readonly [Name in keyof F]: number };

export interface Kernel<F extends Fields> {
  readonly shader: Shader;
  readonly fields: F;
  /** What the shader was made of, for merging it with another. */
  readonly parts: ShaderParts<F>;
}

export interface ShaderParts<F extends Fields> {
  readonly label: string;
  readonly fields: F;
  /** Descriptors of the matrices of a weight follow the scalars; see `matrixStruct`. */
  readonly matrices?: boolean;
  readonly storage: readonly StorageBinding[];
  /** Constants, workgroup variables and functions. */
  readonly declarations: readonly string[];
  readonly workgroupSize: number;
  /** Two such kernels of one workgroup size can share a dispatch. */
  readonly mergeable?: boolean;
  /** Uses subgroup operations; `subgroupSize` is in scope. */
  readonly subgroups?: boolean;
  /** Body of `main`; `workgroup: vec3<u32>` and `local: u32` are in scope. */
  readonly main: string;
}

/** Matrices that one dispatch can tell apart: queries, keys, values; gate and up. */
export const maxMatrices = 4;

/** Words of a matrix descriptor. */
export const matrixWords = 12;

/**
 * Where a matrix lies. Rows: how many, the first one in the output, and the first tile of the dispatch. A record is all
 * planes of one matrix and its bias; `base` is that of expert 0 and `stride` leads to the next expert's. Planes are counted
 * from the record; a bias at 0 is none. Units of 16 bytes.
 */
export const matrixStruct = `struct Matrix {
  rows: u32, firstRow: u32, firstTile: u32, base: u32,
  stride: u32, scales: u32, scalesNested: u32, scalesOffset: u32,
  shifts: u32, shiftsNested: u32, shiftsOffset: u32, bias: u32,
}`;

export const enableSubgroups: readonly string[] = [
  'enable subgroups;',
  'diagnostic(off, subgroup_uniformity);',
];

/** The scalars, padded to 16 bytes where descriptors follow. */
export function paramsStruct({ fields, matrices = false }: ShaderParts<Fields>, name = 'Params'): string {
  const members = Object.entries(fields).map(([field, type]) => `  ${field}: ${type},`);
  if (matrices) {
    const padding = (4 - (members.length % 4)) % 4;
    for (let i = 0; i < padding; i++) members.push(`  padding${i}: u32,`);
    members.push(`  matrices: array<Matrix, ${maxMatrices}>,`);
  }
  return `struct ${name} {\n${members.join('\n')}\n}`;
}

/** What `main` is called with: as built-in values, as parameters, and as arguments after the workgroup. */
export function mainParameters(subgroups: boolean): { builtin: string; plain: string; passed: string } {
  const builtins = [
    ['workgroup_id', 'workgroup', 'vec3<u32>'],
    ['local_invocation_index', 'local', 'u32'],
    ...(subgroups ? [['subgroup_size', 'subgroupSize', 'u32']] : []),
  ];
  return {
    builtin: builtins.map(([builtin, name, type]) => `  @builtin(${builtin}) ${name}: ${type},`).join('\n'),
    plain: builtins.map(([, name, type]) => `${name}: ${type}`).join(', '),
    passed: builtins
      .slice(1)
      .map(([, name]) => name)
      .join(', '),
  };
}

/** WGSL of the storage bindings, from binding 1 on. */
export function storageBindings(storage: readonly StorageBinding[]): string[] {
  return storage.map(({ name, access, type }, index) => {
    const mode = access === 'read' ? 'read' : 'read_write';
    return `@group(0) @binding(${index + 1}) var<storage, ${mode}> ${name}: ${type};`;
  });
}

/** A kernel of its parts. */
export function makeKernel<F extends Fields>(parts: ShaderParts<F>): Kernel<F> {
  const { label, fields, matrices = false, storage, declarations, workgroupSize, subgroups = false } = parts;
  const code = [
    ...(subgroups ? enableSubgroups : []),
    ...(matrices ? [matrixStruct] : []),
    paramsStruct(parts),
    '@group(0) @binding(0) var<uniform> p: Params;',
    ...storageBindings(storage),
    ...declarations,
    `@compute @workgroup_size(${workgroupSize})`,
    `fn main(\n${mainParameters(subgroups).builtin}\n) {`,
    parts.main,
    '}',
    '',
  ].join('\n');
  return { fields, parts, shader: { label, code, bindings: storage.map(({ access }) => access) } };
}

/** The uniforms as words: scalars, padded to 16 bytes, then the descriptors. */
export function encodeUniforms<F extends Fields>(
  { fields }: Kernel<F>,
  values: Values<F>,
  matrices?: Uint32Array,
): Uint32Array {
  const names = Object.keys(fields);
  const scalars = Math.ceil(names.length / 4) * 4;
  const words = new Uint32Array(scalars + (matrices === undefined ? 0 : maxMatrices * matrixWords));
  const floats = new Float32Array(words.buffer);
  names.forEach((name, index) => {
    const value = values[name] as number;
    if (fields[name] === 'f32') floats[index] = value;
    else words[index] = value;
  });
  if (matrices !== undefined) words.set(matrices, scalars);
  return words;
}

/** Lines, indented by two spaces. */
export function lines(...parts: readonly (string | readonly string[])[]): string {
  return parts
    .flat()
    .filter((line) => line !== '')
    .map((line) => `  ${line}`)
    .join('\n');
}
