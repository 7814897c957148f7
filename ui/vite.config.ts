import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

const server = process.env.ANTIPHON_DEV_SERVER ?? 'http://127.0.0.1:8000';
const toServer = { target: server, changeOrigin: false };

export default defineConfig({
  plugins: [react()],
  resolve: { alias: { '~': fileURLToPath(new URL('./src', import.meta.url)) } },
  build: {
    outDir: '../src/antiphon/web/static',
    emptyOutDir: true,
    sourcemap: false,
    // The page's CSP allows no data: scripts or fonts, and a file is cached better than an inlined string.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 800,
    reportCompressedSize: false,
  },
  server: {
    proxy: { '/api': toServer, '/v1': toServer, '/signin': toServer, '/unsubscribe': toServer },
  },
});
