// Who asks, for fairness: the address of the connection, where the server knows it.
import type { Context } from 'hono';

/** What @hono/node-server hands to the application beside the request. */
interface NodeBindings {
  readonly incoming?: { readonly socket?: { readonly remoteAddress?: string | undefined } };
}

export function clientOf(c: Context): string {
  const { incoming } = (c.env ?? {}) as NodeBindings;
  return incoming?.socket?.remoteAddress ?? 'local';
}
