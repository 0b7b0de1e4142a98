// Group-limited choice: only the experts of the best groups can be chosen, which bounds the devices a token travels to.
// A group's rank is its best score (DeepSeek-V2) or the sum of its best two (DeepSeek-V3); equal ranks go to the lower
// group. Sources: arXiv:2405.04434 section 2.2.2; transformers' DeepseekV3TopkRouter.
import type { RouteSpec } from './types.js';

/** For one token: sets the choices [E] of experts outside the kept groups to -Infinity. Does nothing without groups. */
export function groupFilter({ groups, experts }: RouteSpec): (choice: Float32Array) => void {
  if (groups === undefined || groups.kept === groups.count) return () => {};
  const size = experts / groups.count;
  const order = Array.from({ length: groups.count }, (_, group) => group);
  const rank = new Float32Array(groups.count);

  return (choice) => {
    for (let group = 0; group < groups.count; group++) {
      const [first, second] = topTwo(choice.subarray(group * size, (group + 1) * size));
      rank[group] = groups.rank === 'max' ? first : first + second;
    }
    const byRank = order.toSorted((a, b) => (rank[b] as number) - (rank[a] as number) || a - b);
    for (const group of byRank.slice(groups.kept)) choice.fill(-Infinity, group * size, (group + 1) * size);
  };
}

function topTwo(values: Float32Array): [number, number] {
  let first = -Infinity;
  let second = -Infinity;
  for (const value of values) {
    if (value > first) {
      second = first;
      first = value;
    } else if (value > second) {
      second = value;
    }
  }
  return [first, second];
}
