// The script of the worker threads as a file of its own, for `workerUrl`; the build bundles it. See README.md.
import './worker/main.js';
