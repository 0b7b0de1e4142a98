// Binds the port.
import { assertNode } from '@moeq/tensors/node';

export type { Listening, ListenOptions } from './node/listen.js';
export { listen } from './node/listen.js';
export type { TextThreadOptions } from './text-thread.js';
export { TextThread } from './text-thread.js';

assertNode(process.versions.node);
