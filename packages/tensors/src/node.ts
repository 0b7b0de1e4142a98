// The parts of the package that need a file system.

export { fileSource, openSafetensorsFile } from './node/file-source.js';
