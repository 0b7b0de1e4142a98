// The largest of many numbers without sorting them all: one pass with a heap of the best so far, O(n + k log k log n)
// for numbers in random order. Equal numbers go to the lower index, so that a choice never depends on the machine.

/** Index of the largest value, the lowest among equals; -1 for an empty array. */
export function argmax(values: Float32Array): number {
  let best = -1;
  let bestValue = -Infinity;
  for (let index = 0; index < values.length; index += 1) {
    const value = values[index] as number;
    if (value > bestValue || best === -1) {
      best = index;
      bestValue = value;
    }
  }
  return best;
}

/** Indices of the `count` largest values (all, where there are fewer), largest first. */
export function largest(values: Float32Array, count: number): Int32Array {
  const size = Math.min(count, values.length);
  // A heap whose root is the worst of those kept: smallest value, highest index among equals.
  const heap = Int32Array.from({ length: size }, (_, index) => index);
  for (let node = (size >> 1) - 1; node >= 0; node -= 1) siftDown(heap, values, node);
  for (let index = size; size > 0 && index < values.length; index += 1) {
    if ((values[index] as number) > (values[heap[0] as number] as number)) {
      heap[0] = index;
      siftDown(heap, values, 0);
    }
  }
  return heap.sort((a, b) => (values[b] as number) - (values[a] as number) || a - b);
}

function siftDown(heap: Int32Array, values: Float32Array, node: number): void {
  const moving = heap[node] as number;
  for (;;) {
    let child = 2 * node + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && worse(values, heap[child + 1] as number, heap[child] as number))
      child += 1;
    if (!worse(values, heap[child] as number, moving)) break;
    heap[node] = heap[child] as number;
    node = child;
  }
  heap[node] = moving;
}

function worse(values: Float32Array, a: number, b: number): boolean {
  const valueA = values[a] as number;
  const valueB = values[b] as number;
  return valueA < valueB || (valueA === valueB && a > b);
}
