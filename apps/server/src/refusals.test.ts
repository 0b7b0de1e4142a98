// What is malformed or too much, and the answer to each. docs/malformed-requests.md lists them as they are answered here.
import { describe, expect, test } from 'vitest';
import { oddHttp, soundHttp } from './testkit/odd-http.js';
import { post, send } from './testkit/raw.js';
import { refusedBodies } from './testkit/refused-bodies.js';
import { chatBody, chatFields, completionFields } from './testkit/refused-fields.js';
import { refusedSchemas } from './testkit/refused-schemas.js';
import { serve, sharedServer } from './testkit/served.js';

const shared = sharedServer({ strict: true, limits: { bodyBytes: 600_000, choices: 4, requestSeconds: 1 } });

interface Failure {
  readonly message: string;
  readonly type: string;
  readonly param: string | null;
  readonly code: string | null;
}

const chat = '/v1/chat/completions';
const completions = '/v1/completions';

const listed: { group: string; what: string; status: number; message: string }[] = [];

/** Sends a request that is refused, and lists its answer. */
async function refused(group: string, what: string, ...bytes: readonly (string | Uint8Array)[]) {
  const answer = await send(shared.server.url, ...bytes);
  const json = answer.headers['content-type']?.startsWith('application/json') === true;
  const { error } = (json ? JSON.parse(answer.body) : { error: null }) as { error: Failure | null };
  listed.push({ group, what, status: answer.status, message: error?.message ?? '' });
  expect(error?.message.length ?? 0).toBeLessThan(600);
  return { status: answer.status, headers: answer.headers, ...error };
}

const short = (text: string) => (text.length > 60 ? `${text.slice(0, 60)}…` : text);

describe('fields', () => {
  test.each(chatFields)('%s %s', async (field, json, message) => {
    const sent = post(chat, chatBody(field, json));
    const answer = await refused('Fields of a chat', `\`${field}: ${short(json)}\``, ...sent);
    expect(answer).toMatchObject({ status: 400, type: 'invalid_request_error' });
    expect(answer.message).toContain(message);
    expect(answer.param?.startsWith(field)).toBe(true);
  });

  test.each(completionFields)('completions: %s of %j', async (param, body, message) => {
    const what = short(JSON.stringify(body));
    const sent = post(completions, JSON.stringify({ model: 'tiny-moe', ...body }));
    const answer = await refused('Fields of a completion', `\`${what}\``, ...sent);
    expect(answer).toMatchObject({ status: 400, param });
    expect(answer.message).toContain(message);
  });

  test.each(refusedSchemas)('a schema: %s', async (what, schema, message) => {
    const format = { type: 'json_schema', json_schema: { name: 'x', schema } };
    const sent = post(chat, chatBody('response_format', JSON.stringify(format)));
    const answer = await refused('JSON schemas', what, ...sent);
    expect(answer.status).toBe(400);
    expect(answer.message).toContain(message);
  });
});

describe('bodies', () => {
  test.each(refusedBodies)('%s', async (what, body, status, code, message) => {
    const answer = await refused('Bodies', what, ...post(chat, body));
    expect(answer).toMatchObject({ status, code });
    expect(answer.message).toContain(message);
  });

  test.each(['text/plain', 'application/x-www-form-urlencoded', 'application/jsonp'])(
    'of type %s',
    async (type) => {
      const sent = post(chat, '{}', [`Content-Type: ${type}`]);
      expect(await refused('Bodies', `of type ${type}`, ...sent)).toMatchObject({ status: 415 });
    },
  );

  test('100 MB are refused by their length, before they come', async () => {
    const [head = ''] = post(chat, '', ['Content-Length: 100000000']);
    // Not a byte of them is sent: the answer is the head's alone.
    expect((await refused('Bodies', '100 MB', head)).status).toBe(413);
  });

  test('100 MB in chunks without a length are refused where the limit is', async () => {
    const [head = ''] = post(chat, '', ['Transfer-Encoding: chunked']);
    const chunk = `${(50_000).toString(16)}\r\n${'x'.repeat(50_000)}\r\n`;
    const chunks = Array.from({ length: 20 }, () => chunk);
    expect((await refused('Bodies', '100 MB in chunks', head, ...chunks)).status).toBe(413);
  });

  test('one that does not come is not waited for longer than requests may take', async () => {
    const [head = ''] = post(chat, 'x'.repeat(10));
    expect((await refused('Bodies', 'one that comes drop by drop', head, '{')).status).toBe(408);
    expect((await refused('Bodies', 'a head that comes drop by drop', 'GET / HT')).status).toBe(408);
  });

  test('a client that leaves while it sends is no fault of the server', async () => {
    const errors: unknown[] = [];
    await using other = await serve(shared.model, { onError: (error) => errors.push(error) });
    for (const extra of [[], ['Transfer-Encoding: chunked']]) {
      const [head = ''] = post(chat, 'x'.repeat(10), extra);
      await send(other.url, head, '1\r\n{\r\n', null);
    }
    await expect
      .poll(async () => (await fetch(`${other.url}/metrics`)).text())
      .toMatch(/moeq_http_requests_total\{[^}]*status="400"\} 2/);
    expect(errors).toEqual([]);
  });
});

describe('HTTP', () => {
  test.each(oddHttp)('%s', async (what, bytes, status) => {
    expect((await refused('HTTP', what, bytes)).status).toBe(status);
  });

  test.each(soundHttp)('%s is taken', async (_, bytes, status) => {
    expect((await send(shared.server.url, bytes)).status).toBe(status);
  });
});

test('all of them are listed', async () => {
  const groups = [...new Set(listed.map(({ group }) => group))];
  const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('\n', ' ').replaceAll('\0', '\\0');
  // What a parser of Node says of broken JSON is Node's.
  const own = (text: string) => text.replace(/(no valid JSON): .*/s, '$1.');
  const tables = groups.map((group) => {
    const rows = listed.filter((row) => row.group === group);
    const lines = rows.map(({ what, status, message }) => {
      const answer = [status === 0 ? 'closed' : status, ...(message === '' ? [] : [own(message)])].join(' ');
      return `| ${cell(what)} | ${cell(answer)} |`;
    });
    return `## ${group}: ${rows.length}\n\n| | answer |\n| --- | --- |\n${lines.join('\n')}\n`;
  });
  const intro =
    `# Malformed requests\n\n${listed.length} requests that \`moeq serve --strict\` refuses, and the answer to each: status and message. ` +
    'Written by `npx vitest run apps/server/src/refusals.test.ts -u`; the test holds the server to it. ' +
    'Hosts, origins and keys are in apps/server/src/guard.test.ts, what is too much at a time in apps/server/src/load.test.ts. ' +
    'Without `--strict` some are read as they are meant; apps/server/src/tolerance.test.ts has those.\n';
  await expect([intro, ...tables].join('\n')).toMatchFileSnapshot('../../../docs/malformed-requests.md');
});
