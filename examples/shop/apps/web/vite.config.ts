import { defineConfig } from 'vite';

export default defineConfig({
  define: {
    // Baked into the bundle, so velocity.yml declares it as part of the build's key.
    SHOP_API_URL: JSON.stringify(process.env['SHOP_API_URL'] ?? 'http://127.0.0.1:3000'),
  },
  build: { sourcemap: true },
});
