// The other end of a measurement: sends the requests it is given, from a process of its own.
import { shapes } from './shapes.ts';

process.on('message', async ({ url, shape }: { url: string; shape: string }) => {
  const { path, body } = shapes[shape]?.() ?? { path: '', body: {} };
  const text = JSON.stringify(body);
  const began = performance.now();
  const answer = await fetch(`${url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: text,
  });
  await answer.arrayBuffer();
  const seconds = (performance.now() - began) / 1000;
  process.send?.({ status: answer.status, seconds, bytes: Buffer.byteLength(text) });
});
