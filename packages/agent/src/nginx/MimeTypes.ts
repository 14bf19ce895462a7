/** Media types by file extension, for the nginx that the agent runs itself (IANA media types registry; RFC 9239 for JavaScript). */
const extensions: Readonly<Record<string, string>> = {
  "application/gzip": "gz tgz",
  "application/json": "json map",
  "application/manifest+json": "webmanifest",
  "application/octet-stream": "bin exe img iso",
  "application/pdf": "pdf",
  "application/rss+xml": "rss",
  "application/wasm": "wasm",
  "application/xhtml+xml": "xhtml",
  "application/xml": "xml",
  "application/zip": "zip",
  "audio/mpeg": "mp3",
  "audio/ogg": "ogg",
  "font/otf": "otf",
  "font/ttf": "ttf",
  "font/woff": "woff",
  "font/woff2": "woff2",
  "image/avif": "avif",
  "image/gif": "gif",
  "image/jpeg": "jpeg jpg",
  "image/png": "png",
  "image/svg+xml": "svg svgz",
  "image/webp": "webp",
  "image/x-icon": "ico",
  "text/css": "css",
  "text/csv": "csv",
  "text/html": "html htm",
  "text/javascript": "js mjs",
  "text/markdown": "md",
  "text/plain": "txt",
  "video/mp4": "mp4",
  "video/webm": "webm"
}

/** An nginx `types` block. */
export const mimeTypes: string = [
  "types {",
  ...Object.entries(extensions).map(([type, names]) => `    ${type} ${names};`),
  "}",
  ""
].join("\n")
