// Stands for vitest in a page: `describe`, `test` and `afterAll` write down what there is to do, and the host that has opened
// the page does it case by case. Of `expect` there is what the published suites use, so that they run in a browser as they are.

type Work = () => unknown;

interface PageTest {
  readonly name: string;
  readonly skipped: boolean;
  readonly work: Work;
}

const tests: PageTest[] = [];
const endings: Work[] = [];

/** Names of groups are left out: a page holds one suite. */
export function describe(_name: string, body: Work): void {
  body();
}

export const test = Object.assign(
  (name: string, work: Work): void => void tests.push({ name, skipped: false, work }),
  { skip: (name: string, work: Work): void => void tests.push({ name, skipped: true, work }) },
);

export function afterAll(work: Work): void {
  endings.push(work);
}

export function expect(found: number, what: string): { toBeGreaterThan(bound: number): void } {
  return {
    toBeGreaterThan(bound) {
      if (!(found > bound)) throw new Error(`${what}: expected ${found} to be greater than ${bound}`);
    },
  };
}

/** Null, or what went wrong. */
async function attempt(work: Work): Promise<string | null> {
  try {
    await work();
    return null;
  } catch (error) {
    return error instanceof Error ? `${error.message}\n${error.stack ?? ''}` : String(error);
  }
}

/** For the host. */
export const suite = {
  tests: () => tests.map(({ name, skipped }) => ({ name, skipped })),
  run: (index: number) => attempt((tests[index] as PageTest).work),
  end: () =>
    attempt(async () => {
      for (const work of endings) await work();
    }),
};

Object.assign(globalThis, { moeqSuite: suite });
