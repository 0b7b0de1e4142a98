// The built `moeq serve`, whose thread for prompts is a file of its own beside @moeq/server.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const bin = fileURLToPath(new URL('../dist/bin.js', import.meta.url));

test('answers a request that is long enough for the thread', async () => {
  const argv = ['serve', 'tiny-moe', '--backend', 'reference', '--port', '0'];
  const child = spawn(process.execPath, [bin, ...argv], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'close');
  try {
    let said = '';
    for await (const chunk of child.stdout) {
      said += String(chunk);
      if (said.includes('curl ')) break;
    }
    const ask = async (words: number) => {
      const answer = await fetch(`${/http:\/\/\S+/.exec(said)?.[0]}/v1/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          model: '',
          messages: [{ role: 'user', content: 'word '.repeat(words) }],
          metadata: { padding: 'x'.repeat(5000) },
          max_tokens: 1,
        }),
      });
      const { error } = (await answer.json()) as { error?: { code: string } };
      return [answer.status, error?.code];
    };
    expect(await ask(20)).toEqual([200, undefined]);
    expect(await ask(2000)).toEqual([400, 'context_length_exceeded']);
  } finally {
    child.kill('SIGINT');
  }
  const [status] = await ended;
  expect(status).toBe(130);
});
