/**
 * What the built-in templates share, composed into self-contained Handlebars sources: a bundle carries the source, so
 * what an agent renders does not depend on the agent's age. Variables: `VirtualHostContext` and `LocationContext`.
 */

const addedHeaders = `{{#each headers}}
        add_header {{name}} {{value}} always;
{{/each}}
`

const fixedAnswer = `        default_type text/plain;
        return {{return.status}} {{return.text}};
`

/** Everything of a server but its locations. `extra` are directives of one template. */
const server = (extra: string, location: string): string => `{{#if redirect_http}}
server {
{{#each redirect_listens}}
    listen {{this}};
{{/each}}
    server_name {{server_name}};
    return 301 {{redirect_target}};
}
{{/if}}
server {
{{#each listens}}
    listen {{this}};
{{/each}}
{{#if http2_directive}}
    http2 on;
{{/if}}
    server_name {{server_name}};
{{#if ssl}}
    ssl_certificate {{ssl_certificate_path}};
    ssl_certificate_key {{ssl_certificate_key_path}};
    ssl_protocols {{ssl_protocols}};
{{#if ssl_ciphers}}
    ssl_ciphers {{ssl_ciphers}};
{{/if}}
    ssl_prefer_server_ciphers off;
    ssl_session_cache shared:nxm_tls:10m;
    ssl_session_timeout 1d;
    ssl_session_tickets off;
{{/if}}
{{#if alt_svc}}
    add_header Alt-Svc {{alt_svc}} always;
{{/if}}
{{#if keepalive_min_timeout}}
    keepalive_min_timeout {{keepalive_min_timeout}};
{{/if}}
{{#if gzip}}
    gzip on;
    gzip_vary on;
    gzip_proxied any;
    gzip_comp_level 5;
    gzip_min_length 256;
    gzip_types {{gzip_types}};
{{else}}
    gzip off;
{{/if}}
{{#if client_max_body_size}}
    client_max_body_size {{client_max_body_size}};
{{/if}}
{{#if real_ip}}
{{#each real_ip.from}}
    set_real_ip_from {{this}};
{{/each}}
    real_ip_header {{real_ip.header}};
    real_ip_recursive {{real_ip.recursive}};
{{/if}}
{{#each access_rules}}
    {{#if (eq action "allow")}}allow{{else}}deny{{/if}} {{address}};
{{/each}}
{{#if rate_limiting}}
    limit_req {{rate_limit}};
    limit_req_status {{rate_limit_status}};
{{/if}}
${extra}{{#if snippet}}
{{snippet}}
{{/if}}
{{#each locations}}
    location {{location_path}} {
{{#each access_rules}}
        {{#if (eq action "allow")}}allow{{else}}deny{{/if}} {{address}};
{{/each}}
{{#each rewrite_rules}}
        rewrite {{pattern}} {{replacement}} {{flag}};
{{/each}}
${addedHeaders}${location}{{#if snippet}}
{{snippet}}
{{/if}}
    }
{{#if guard}}
    location {{guard}} {
${addedHeaders}${fixedAnswer}    }
{{/if}}
{{/each}}
}
`

interface LocationParts {
  /** Directives of a location that serves files, after `root` and `index`. */
  readonly files?: string
  /** Directives of a location that proxies, after those that every one has. */
  readonly proxy?: string
  /** Every proxied location passes upgrades, whatever its own setting. */
  readonly upgrades?: boolean
  /** Timeout of reading and sending where the location sets none; absent: nginx's own. */
  readonly idleTimeout?: string
}

const timeout = (name: "connect" | "send" | "read", otherwise?: string): string =>
  `{{#if proxy_${name}_timeout}}
        proxy_${name}_timeout {{proxy_${name}_timeout}};
${otherwise === undefined ? "" : `{{else}}\n        proxy_${name}_timeout ${otherwise};\n`}{{/if}}
`

const upgradeHeaders = `        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection $nxm_connection_upgrade;
`
const keptConnection = `        proxy_set_header Connection "";
`

const location = ({ files = "", idleTimeout, proxy = "", upgrades = false }: LocationParts): string => `{{#if guard}}
        try_files /.nxmesh-no-file {{guard}};
{{else if return}}
${fixedAnswer}{{/if}}
{{#if root}}
        root {{root}};
{{#if index}}
        index {{index}};
{{/if}}
${files}{{/if}}
{{#if proxy_pass}}
        proxy_pass {{proxy_pass}};
        proxy_http_version 1.1;
        proxy_set_header Host {{proxy_host}};
{{#if forwarded_headers}}
        proxy_set_header X-Real-IP $remote_addr;
        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        proxy_set_header X-Forwarded-Proto $scheme;
{{/if}}
${upgrades ? upgradeHeaders : `{{#if websocket}}\n${upgradeHeaders}{{else}}\n${keptConnection}{{/if}}\n`}{{#if proxy_ssl_name}}
        proxy_ssl_server_name on;
        proxy_ssl_name {{proxy_ssl_name}};
{{/if}}
${timeout("connect")}${timeout("send", idleTimeout)}${timeout("read", idleTimeout)}{{#unless proxy_buffering}}
        proxy_buffering off;
{{/unless}}
{{#if proxy_buffer_size}}
        proxy_buffer_size {{proxy_buffer_size}};
        proxy_buffers 8 {{proxy_buffer_size}};
{{/if}}
${proxy}{{/if}}
`

/** A whole template: the shared server, with what is particular to this one. */
export const serverTemplate = (parts: LocationParts & { readonly server?: string }): string =>
  server(parts.server ?? "", location(parts))
