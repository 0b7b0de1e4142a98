// What a GGUF header may claim. Every number of a file is held against these, and against the file's size, before memory
// is taken for it.

/** Metadata, vocabulary and tensor names together: the largest vocabularies (256,000 tokens with merges) take 20 MB. */
export const maxHeaderBytes = 256 * 2 ** 20;

/** Files of llama.cpp have below a hundred keys. */
export const maxEntries = 2 ** 16;

/** A thousand times what models in this container have; each costs memory to hold. */
export const maxTensors = 2 ** 19;

/** A vocabulary has at most 2^22 tokens (the loader's own limit); merges are fewer than twice that. */
export const maxArrayLength = 2 ** 23;

/** Chat templates are the longest strings, below 100 kB. */
export const maxStringBytes = 16 * 2 ** 20;

/** GGML_MAX_DIMS */
export const maxRank = 4;

/** GGML_MAX_NAME, of which one byte is a terminator in memory. */
export const maxNameBytes = 63;

/** Files use 32; pages of memory have up to 64 KiB, and nothing gains from more. */
export const maxAlignment = 2 ** 16;

export const defaultAlignment = 32;

export const magic = 'GGUF';

/** Version 1 had lengths of 32 bits and was gone within weeks; 2 and 3 differ in that 3 may be big-endian. */
export const readVersions: readonly number[] = [2, 3];
export const writtenVersion = 3;
