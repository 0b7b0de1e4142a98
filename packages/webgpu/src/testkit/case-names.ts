import { caseNames } from '@moeq/kernels/conformance';

/** Cases of these names but every n-th. */
export function allBut(n: number, names: RegExp): readonly string[] {
  return caseNames.filter((name) => names.test(name)).filter((_, index) => index % n !== 0);
}
