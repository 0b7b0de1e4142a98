import { expect, test } from 'vitest';
import { createModel } from '../load/create-model.js';
import { expectAllFree, load, pieces, prompt, source } from '../testkit/loaded-model.js';
import { lossyBackend } from '../testkit/lossy-backend.js';
import { createEngine } from './create-engine.js';

const options = { temperature: 0, maxNewTokens: 12, stopTokenIds: [] };
const expected = await (await load()).complete(prompt, options);
const other = [2, 7, 1, 8, 2, 8];
const expectedOther = await (await load()).complete(other, options);

test('a loss ends the text of its step with the error; the next call works again', async () => {
  const backend = lossyBackend();
  const model = await createModel(source, { backend });
  const tokens: number[] = [];
  const writing = (async () => {
    for await (const { tokenId } of model.generate(prompt, options)) {
      if (tokenId !== null) tokens.push(tokenId);
      if (tokens.length === 3) backend.loseInNextStep();
    }
  })();
  await expect(writing).rejects.toThrow('device lost');
  expect(tokens).toEqual(expected.tokenIds.slice(0, 3));
  expect(backend.restarts()).toBe(0);
  expect(await model.complete(prompt, options)).toMatchObject({ tokenIds: expected.tokenIds });
  expect(backend.restarts()).toBe(1);
  await expectAllFree(model);
  await model.close();
});

test('other running requests go on as they would have', async () => {
  const backend = lossyBackend();
  const model = await createModel(source, { backend });
  const first = model.generate(prompt, options);
  const tokens: (number | null)[] = [];
  for (let i = 0; i < 4; i++) tokens.push((await first.next()).value?.tokenId ?? null);
  backend.lose();
  expect((await model.complete(other, options)).tokenIds).toEqual(expectedOther.tokenIds);
  for (const { tokenId } of await pieces(first)) if (tokenId !== null) tokens.push(tokenId);
  expect(tokens).toEqual(expected.tokenIds);
  expect(await model.logits(prompt)).toEqual(await (await load()).logits(prompt));
  await expectAllFree(model);
});

test('an engine fails the texts of the step and forgets shared beginnings', async () => {
  const backend = lossyBackend();
  const model = await createModel(source, { backend });
  const engine = createEngine(model, {});
  const long = Array.from({ length: 40 }, (_, i) => (7 * i) % 37);
  const alone = await (await load()).complete(long, options);
  const run = async () => {
    for (const { result } of await pieces(engine.generate(long, options))) {
      if (result !== null) return result;
    }
    return null;
  };
  expect(await run()).toMatchObject({ tokenIds: alone.tokenIds, reusedPromptTokens: 0 });
  expect(await run()).toMatchObject({ tokenIds: alone.tokenIds, reusedPromptTokens: 32 });
  backend.loseInNextStep();
  for (const { status } of await Promise.allSettled([run(), run()])) expect(status).toBe('rejected');
  expect(await run()).toMatchObject({ tokenIds: alone.tokenIds, reusedPromptTokens: 0 });
  expect(await run()).toMatchObject({ tokenIds: alone.tokenIds, reusedPromptTokens: 32 });
  await engine.close();
  await expectAllFree(model);
});

test('a source that is closed cannot be read again, and the error says so', async () => {
  const backend = lossyBackend();
  let closed = false;
  const closing = {
    ...source,
    weights: {
      ...source.weights,
      read: async (...place: Parameters<typeof source.weights.read>) => {
        if (closed) throw new Error('EBADF: bad file descriptor');
        return source.weights.read(...place);
      },
    },
  };
  const model = await createModel(closing, { backend });
  closed = true;
  backend.lose();
  const message = /cannot load again.*expected a source that is still open, found EBADF/;
  await expect(model.complete(prompt, options)).rejects.toThrow(message);
  const engine = createEngine(model, {});
  await expect(pieces(engine.generate(prompt, options))).rejects.toThrow(message);
  await engine.close();
  await model.close();
});

test('a device that had no room for the cache is found out while loading, and holds nothing then', async () => {
  const backend = lossyBackend();
  let live = 0;
  const counting = {
    ...backend,
    losses: 0,
    createKvCache: (...spec: Parameters<typeof backend.createKvCache>) => {
      live += 1;
      return backend.createKvCache(...spec);
    },
    release: (...object: Parameters<typeof backend.release>) => {
      if ('spec' in object[0]) live -= 1;
      backend.release(...object);
    },
    step: async () => {
      throw new Error('out of memory');
    },
  };
  await expect(createModel(source, { backend: counting })).rejects.toThrow('out of memory');
  expect(live).toBe(0);
});
