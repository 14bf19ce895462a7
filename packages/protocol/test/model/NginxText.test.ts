import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import {
  AddressBlock,
  AddressRange,
  BackendAddress,
  DirectoryPath,
  HeaderName,
  HeaderValue,
  IndexFiles,
  isIpv6,
  LocationPath,
  ProxyUrl,
  ReturnText,
  RewriteReplacement,
  ServerName,
  serverNames,
  Snippet,
  variablesIn
} from "../../src/model/NginxText.ts"
import { VirtualHostCreate } from "../../src/model/VirtualHost.ts"

type Text = Schema.Codec<string, string>
const accepts = (schema: Text, text: string) => Schema.is(schema)(text)

const cases: ReadonlyArray<
  readonly [name: string, schema: Text, good: ReadonlyArray<string>, bad: ReadonlyArray<string>]
> = [
  [
    "ServerName",
    ServerName,
    ["a.example", "*.a.example", "www.a.*", "a.example, b.example", "_", "LOCALHOST", "xn--bcher-kva.example"],
    [
      "",
      ",",
      "a b",
      "a;b",
      "a.example\n",
      "*.a.*",
      "a..b",
      "-a",
      "~^x",
      "$hostname",
      "a.example,a.example",
      "ü.example",
      `${"a".repeat(64)}.b`,
      "*",
      "a/b"
    ]
  ],
  [
    "BackendAddress",
    BackendAddress,
    ["10.0.0.1:80", "[::1]:8080", "[2001:db8::a]:65535", "backend.internal:1"],
    [
      "10.0.0.1",
      "10.0.0.1:0",
      "10.0.0.1:65536",
      "[:::]:80",
      "[1::2::3]:80",
      "unix:/x:1",
      "a b:80",
      "a:80;",
      "a:80 backup",
      "::1:80"
    ]
  ],
  [
    "ProxyUrl",
    ProxyUrl,
    ["http://a", "https://a.b:8443/x?y=z", "http://10.0.0.1", "http://[::1]:80/", "http://a/x[1]"],
    [
      "ftp://a",
      "http://",
      "http://a:0",
      "http://a:99999",
      "http://$host",
      "http://a/;",
      "http://a/ b",
      "http://unix:/x",
      "http://[zz]/",
      "http://[:::]/",
      "http://a@b/",
      `http://a/${"é".repeat(2_020)}`
    ]
  ],
  [
    "LocationPath",
    LocationPath,
    ["/", "/a/b", "= /x", "^~ /x", "~ \\.php$", "~ \\\\u", "~* \\.(png|jpg)$", '~ ^/"{2}; $'],
    ["", "a", "/ a", "/a;", "/a{", "/$x", "=/x", "~", "~ (", "~ \\u0041", "~ a\\\\\\Lb", "@named", "~  [", "/a\n"]
  ],
  ["HeaderName", HeaderName, ["X-A", "a'b", "#"], ["", "a b", "a:", "a;", "a\n", 'a"', "a{", "é"]],
  [
    "HeaderValue",
    HeaderValue,
    ["", "a; b", '"{}"', "$host", "${request_id}", "$http_x_a", "日本"],
    [
      "\n",
      "\r",
      "\u0000",
      "\u2028",
      "\u0085",
      "$",
      "$x",
      "${host",
      "$ host",
      "$1",
      "50$",
      "é".repeat(2_001),
      '"'.repeat(2_001)
    ]
  ],
  ["ReturnText", ReturnText, ["", "https://$host$request_uri", "\\n"], ["a\nb", "$", "$nope"]],
  ["RewriteReplacement", RewriteReplacement, ["/$1", "/a?b=$arg_c", "https://x/"], ["", "$0", "$10", "$", "/\n"]],
  [
    "DirectoryPath",
    DirectoryPath,
    ["/srv/www", "/srv/a b"],
    ["srv", "/a/../b", "/..", "/../etc", "/a/..", "/a;", "/a\n", "/$x", '/"']
  ],
  ["IndexFiles", IndexFiles, ["index.html", "index.html index.htm"], ["", "a  b", " a", "a;", "$x", "a\nb"]],
  [
    "AddressRange",
    AddressRange,
    ["all", "10.0.0.0/8", "::/0", "2001:db8::/128", "1.2.3.4", "::ffff:1.2.3.4"],
    ["", "unix:", "10.0.0.0/33", "::/129", ":::", "10.0.0/8", "1.2.3.4/", "a", "all;", "1.2.3.4/08", "::/-1"]
  ],
  ["AddressBlock", AddressBlock, ["10.0.0.0/8", "::1"], ["all", "unix:"]],
  ["Snippet", Snippet, ["", "a b;\n\tc d;"], ["\u0000", "\r", "\u001b"]]
]

describe("Texts that reach nginx", () => {
  for (const [name, schema, good, bad] of cases) {
    it(`${name} accepts what its place can hold`, () => {
      for (const text of good) assert.isTrue(accepts(schema, text), JSON.stringify(text))
    })
    it(`${name} refuses what its place cannot hold`, () => {
      for (const text of bad) assert.isFalse(accepts(schema, text), JSON.stringify(text.slice(0, 80)))
    })
  }

  it("knows IPv6 addresses by RFC 4291", () => {
    const good = [
      "::",
      "::1",
      "1::",
      "1:2:3:4:5:6:7:8",
      "1::8",
      "::ffff:10.0.0.1",
      "1:2:3:4:5:6:7::",
      "64:ff9b::1.2.3.4"
    ]
    const bad = [
      "",
      ":",
      ":::",
      "1:2:3:4:5:6:7",
      "1:2:3:4:5:6:7:8:9",
      "1::2::3",
      "12345::",
      "g::",
      "::1.2.3",
      "1.2.3.4::",
      "1:2:3:4:5:6:7:8::",
      "1.2.3.4"
    ]
    for (const text of good) assert.isTrue(isIpv6(text), text)
    for (const text of bad) assert.isFalse(isIpv6(text), text)
  })

  it("finds variables in both of their forms", () => {
    assert.deepStrictEqual(variablesIn("$a ${b}c $ ${d"), ["a", "b", null, null])
  })

  it("splits server names, lower-cased", () => {
    assert.deepStrictEqual(serverNames("A.example , *.B.example,"), ["a.example", "*.b.example"])
  })
})

describe("VirtualHostCreate", () => {
  const input = (locations: ReadonlyArray<unknown>) => ({
    workspace_id: "0190a000-0000-7000-8000-000000000001",
    name: "a",
    server_name: "a.example",
    listen_port: 80,
    locations
  })
  const refusal = (locations: ReadonlyArray<unknown>) => {
    const decoded = Schema.decodeUnknownResult(VirtualHostCreate)(input(locations))
    return Result.isFailure(decoded) ? String(decoded.failure) : null
  }
  it("refuses what nginx refuses: a path behind an expression, and one prefix written twice", () => {
    assert.match(refusal([{ path: "~ \\.x$", proxy_pass: "http://a/b" }]) ?? "", /proxy_pass/)
    assert.isNull(refusal([{ path: "~ \\.x$", proxy_pass: "http://a" }]))
    assert.match(
      refusal([
        { path: "/a", root: "/x" },
        { path: "^~ /a", root: "/x" }
      ]) ?? "",
      /repeats the path/
    )
    assert.isNull(
      refusal([
        { path: "/a", root: "/x" },
        { path: "= /a", root: "/x" }
      ])
    )
    assert.match(refusal([]) ?? "", /at least one location/)
    assert.match(refusal([{ path: "/" }]) ?? "", /must have one of/)
  })
})
