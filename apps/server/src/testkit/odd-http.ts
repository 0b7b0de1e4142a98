// Requests that are no HTTP, or HTTP that proxies and servers have read differently (request smuggling), byte by byte.

const body = '{"model":"tiny-moe","prompt":"a","max_tokens":1}';
const { length } = body;
const fields = 'Host: localhost\r\nContent-Type: application/json\r\nConnection: close\r\n';
const ask = (extra: string, sent = body) =>
  `POST /v1/completions HTTP/1.1\r\n${fields}${extra}\r\n\r\n${sent}`;
const get = (target: string, head = fields) => `GET ${target} HTTP/1.1\r\n${head}\r\n`;
const host = (...names: readonly string[]) =>
  get('/v1/models', `${names.map((name) => `Host: ${name}\r\n`).join('')}Connection: close\r\n`);

/** Status 0: the connection is closed without an answer. */
export const oddHttp: readonly (readonly [what: string, bytes: string | Uint8Array, status: number])[] = [
  ['no HTTP at all', 'hello\r\n\r\n', 400],
  ['a greeting of TLS', Uint8Array.of(0x16, 3, 1, 0, 5, 1, 0, 0, 1, 0), 400],
  ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400],
  ['HTTP/0.9', 'GET /health\r\n\r\n', 400],
  ['HTTP/1.0 without a Host', 'GET /v1/models HTTP/1.0\r\n\r\n', 400],
  ['a method that is none', `BREW / HTTP/1.1\r\n${fields}\r\n`, 400],
  ['CONNECT', `CONNECT evil.example.org:443 HTTP/1.1\r\n${fields}\r\n`, 0],
  ['OPTIONS of *', `OPTIONS * HTTP/1.1\r\n${fields}\r\n`, 400],
  ['an Expect that is not 100-continue', ask(`Expect: 200-maybe\r\nContent-Length: ${length}`), 417],
  ['a length and chunks', ask(`Content-Length: ${length}\r\nTransfer-Encoding: chunked`, '0\r\n\r\n'), 400],
  ['two lengths', ask(`Content-Length: ${length}\r\nContent-Length: 3`), 400],
  ['one length twice', ask(`Content-Length: ${length}\r\nContent-Length: ${length}`), 400],
  ['a length below 0', ask('Content-Length: -5'), 400],
  ['a length with a plus', ask(`Content-Length: +${length}`), 400],
  ['a length in hexadecimal', ask('Content-Length: 0x30'), 400],
  ['a length beyond 2^64', ask('Content-Length: 99999999999999999999999'), 400],
  ['a length that is too short', ask('Content-Length: 5'), 400],
  ['gzip as transfer', ask('Transfer-Encoding: gzip'), 400],
  ['chunked, then identity', ask('Transfer-Encoding: chunked, identity', '0\r\n\r\n'), 400],
  ['chunked twice', ask('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked', '0\r\n\r\n'), 400],
  ['a blank before a colon', ask('Transfer-Encoding : chunked', '0\r\n\r\n'), 400],
  ['a chunk without a length', ask('Transfer-Encoding: chunked', 'zz\r\n'), 400],
  ['a chunk beyond 2^64', ask('Transfer-Encoding: chunked', 'ffffffffffffffffff\r\nx'), 400],
  [
    'a chunk with an endless extension',
    ask('Transfer-Encoding: chunked', `1;${'a'.repeat(100_000)}\r\n`),
    413,
  ],
  ['a folded field', ask(`X-A: b\r\n c\r\nContent-Length: ${length}`), 400],
  ['NUL in a field', ask(`X-A: b\0c\r\nContent-Length: ${length}`), 400],
  ['a bare CR in a field', ask(`X-A: b\rX-B: c\r\nContent-Length: ${length}`), 400],
  ['lines that end in LF', 'GET /health HTTP/1.1\nHost: localhost\nConnection: close\n\n', 400],
  ['100,000 bytes of a field', get('/', `${fields}X: ${'x'.repeat(100_000)}\r\n`), 431],
  ['3,000 fields', get('/', `${fields}${'a: b\r\n'.repeat(3000)}`), 431],
  ['70,000 bytes of a target', get(`/${'a'.repeat(70_000)}`), 431],
  ['another host in the target', get('http://evil.example.org/v1/models'), 421],
  ['two Hosts', host('localhost', 'evil.example.org'), 421],
  ['two Hosts, turned', host('evil.example.org', 'localhost'), 421],
  ['a list of Hosts', host('localhost, evil.example.org'), 400],
  ['a port beyond 65535', host('localhost:99999'), 400],
  ['a port that is none', host('localhost:abc'), 400],
  ['half an IPv6 address', host('[::1'), 400],
  ['a Host that ends in a dot', host('localhost.'), 421],
  [
    'a Host that a proxy tells',
    `${host('evil.example.org').slice(0, -2)}X-Forwarded-Host: localhost\r\n\r\n`,
    421,
  ],
  [
    'two Origins',
    get('/health', `${fields}Origin: http://localhost\r\nOrigin: http://evil.example.org\r\n`),
    403,
  ],
  ['a compressed body', ask(`Content-Encoding: gzip\r\nContent-Length: ${length}`), 415],
  ['a way out of the page', get('/page/../../etc/passwd'), 404],
  ['a way out, escaped', get('/page/%2e%2e%2fetc%2fpasswd'), 404],
  ['an escape that is none', get('/v1/models/%zz'), 404],
  ['NUL, escaped', get('/v1/models/%00'), 404],
  ['two slashes', get('//evil.example.org/v1/models'), 404],
];

/** Odd, and right. */
export const soundHttp: readonly (readonly [what: string, bytes: string | Uint8Array, status: number])[] = [
  ['Expect: 100-continue', ask(`Expect: 100-continue\r\nContent-Length: ${length}`), 100],
  ['chunks', ask('Transfer-Encoding: chunked', `${length.toString(16)}\r\n${body}\r\n0\r\n\r\n`), 200],
  [
    'a tab before chunked',
    ask('Transfer-Encoding:\tchunked', `${length.toString(16)}\r\n${body}\r\n0\r\n\r\n`),
    200,
  ],
  ['its own host in the target', get('http://localhost/v1/models'), 200],
  ['a body where none is needed', get('/health', `${fields}Content-Length: 2\r\n`).concat('{}'), 200],
];
