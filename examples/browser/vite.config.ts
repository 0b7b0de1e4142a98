import { defineConfig } from 'vite';

/** What a page needs to share memory between threads; without it the CPU backend computes on one. */
const isolation = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

export default defineConfig({
  base: './', // the built page works in any folder of a site
  build: { target: 'es2023', assetsInlineLimit: 0, chunkSizeWarningLimit: 1000 },
  // its files lie beside its script, and are found by their place
  optimizeDeps: { exclude: ['@moeq/tiny-moe'] },
  server: { headers: isolation },
  preview: { headers: isolation },
});
