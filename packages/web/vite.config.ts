import react from "@vitejs/plugin-react"
import { defineConfig } from "vite"

/** `npm run console`, with NXMESH_DEV_MASTER, serves the sources in development and passes the API on to that master. */
const master = process.env["NXMESH_DEV_MASTER"] ?? "http://127.0.0.1:8080"

export default defineConfig({
  root: import.meta.dirname,
  plugins: [react()],
  build: {
    target: "es2024",
    outDir: "dist",
    emptyOutDir: true,
    // Data URLs would need an exception in the content security policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false
  },
  server: { host: "127.0.0.1", proxy: { "/api": { target: master, ws: true } } }
})
