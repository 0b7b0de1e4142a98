import { testBackend } from '../conformance.js';
import { referenceBackend } from './backend.js';

testBackend({ name: 'reference', make: referenceBackend, tolerance: { float: 2e-6, quantized: 2e-6 } });
