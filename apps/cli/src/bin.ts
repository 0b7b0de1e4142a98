#!/usr/bin/env node
// The `moeq` command. What is older than the packages need is refused here, before anything else is loaded: this file and what
// it imports keep to a syntax that every Node with modules reads.
import { olderNode } from './node-version.js';

const refusal = olderNode(process.versions.node);
if (refusal === null) {
  void import('./main.js');
} else {
  process.stderr.write(`moeq: ${refusal}\n`);
  process.exitCode = 1;
}
