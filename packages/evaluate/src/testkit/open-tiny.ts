// tiny-moe for a test, closed when the tests of its file have ended.
import type { OpenedModel, OpenOptions } from '@moeq/loader';
import { openModel } from '@moeq/loader/node';
import { afterAll } from 'vitest';

export async function openTiny(options: OpenOptions = {}): Promise<OpenedModel> {
  const model = await openModel('tiny-moe', options);
  opened.push(model);
  return model;
}

const opened: OpenedModel[] = [];

afterAll(async () => {
  for (const model of opened.splice(0)) await model.close();
});
