/** The five built-in templates (MF-003), by name. The master puts their sources into bundles. */
import type { builtInTemplateNames } from "@nxmesh/protocol/model/Template"
import { serverTemplate } from "./ServerTemplate.ts"

export type BuiltInTemplateName = (typeof builtInTemplateNames)[number]

export const builtInTemplates: Readonly<Record<BuiltInTemplateName, string>> = {
  /** Reverse proxy; also serves files and fixed answers. */
  default: serverTemplate({}),

  /** Single-page application: what is no file is answered with the application's page. */
  spa: serverTemplate({
    files: "        try_files $uri {{fallback}} =404;\n"
  }),

  /** API gateway: always rate limited (`RateLimit.effectiveRateLimit`), every request with an id that the backend sees. */
  api: serverTemplate({
    proxy: "        proxy_set_header X-Request-ID $request_id;\n        proxy_next_upstream error timeout;\n"
  }),

  /** Static files, cached by clients and with open files remembered. */
  static: serverTemplate({
    server:
      "    open_file_cache max=10000 inactive=60s;\n    open_file_cache_valid 30s;\n    open_file_cache_errors on;\n",
    files: "        expires 7d;\n        try_files $uri $uri/ =404;\n"
  }),

  /** WebSocket proxy: every proxied location passes upgrades and waits an hour for traffic. */
  websocket: serverTemplate({ upgrades: true, idleTimeout: "3600s" })
}

export const builtInTemplate = (name: string): string | null =>
  Object.hasOwn(builtInTemplates, name) ? builtInTemplates[name as BuiltInTemplateName] : null
