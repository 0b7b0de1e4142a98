// Names of tensors with their numbers taken out: `{layer}` for the first, `{expert}` for those of a list of experts. Tensors of
// one pattern have one role.

/** Parts of names under which experts stand one by one. */
const lists = /^(?:local_)?experts?$/;

export function patternOf(name: string): string {
  let isFirst = true;
  const parts = name.split('.');
  return parts
    .map((part, index) => {
      if (!/^\d+$/.test(part)) return part;
      const isExpert = lists.test(parts[index - 1] ?? '');
      if (!isFirst && !isExpert) return part;
      isFirst = false;
      return isExpert ? '{expert}' : '{layer}';
    })
    .join('.');
}

/** Layer and expert of a name, by its pattern; each where it has one. */
export function numbersOf(name: string): { readonly layer?: number; readonly expert?: number } {
  const parts = name.split('.');
  const at = (place: string) => {
    const index = patternOf(name).split('.').indexOf(place);
    return index < 0 ? undefined : Number(parts[index]);
  };
  const [layer, expert] = [at('{layer}'), at('{expert}')];
  return { ...(layer !== undefined && { layer }), ...(expert !== undefined && { expert }) };
}
