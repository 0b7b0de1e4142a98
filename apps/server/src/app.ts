// The server as a function from Request to Response: routes, guards, limits, and one shape of error. Binding a port is
// node.ts's part; anything that passes on web-standard requests can call it.
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { routePath } from 'hono/route';
import { ApiError, toApiError } from './api-error.js';
import { chat } from './chat.js';
import { completions } from './completions.js';
import { checkHost, checkKey, checkOrigin, loopbackHosts } from './guard.js';
import { defaultLimits, type Limits } from './limits.js';
import { createMetrics } from './metrics.js';
import { type Page, servePage } from './page.js';
import { type Ready, type ServedModel, Service } from './served-model.js';
import { statusOf } from './status.js';

export interface AppOptions {
  /** One of them is required of every request to /v1, /metrics and /status where any is given. */
  readonly apiKeys?: readonly string[] | undefined;
  /** Names that requests may call the server by; null: any. Default: those of loopback. */
  readonly hosts?: readonly string[] | null | undefined;
  /** Origins of pages elsewhere that may ask. Default none. */
  readonly origins?: readonly string[] | undefined;
  readonly limits?: Partial<Limits> | undefined;
  /** The page at /. Default none. */
  readonly page?: Page | undefined;
  /** Fields of requests that are not known here or not as documented, and names of other models, are errors. Default false. */
  readonly strict?: boolean | undefined;
  /** Called with errors of the server itself, as opposed to those of a request. */
  readonly onError?: ((error: unknown) => void) | undefined;
  /** Called once for each field of requests that nothing here uses, and for each kind of field that is not as documented. */
  readonly onNotice?: ((text: string) => void) | undefined;
}

export interface App {
  /** @param bindings what the carrier knows besides, e.g. the connection of @hono/node-server */
  fetch(request: Request, bindings?: object): Response | Promise<Response>;
  /** The model is loaded: requests are answered from now on. */
  serve(served: ServedModel): void;
  readonly limits: Limits;
  /** Takes no more requests; @returns once all answers have ended, whether none of them had to be cut */
  drain(): Promise<boolean>;
}

/** A model as OpenAI lists it. */
function cardOf({ model, created }: Ready, id: string): object {
  return { id, object: 'model', created, owned_by: 'moeq', max_model_len: model.contextLength };
}

/** @throws MoeqError for an allowed origin that is none */
export function createApp(options: AppOptions = {}): App {
  const { apiKeys = [], hosts = loopbackHosts, origins = [], strict = false } = options;
  const { onError = () => undefined, onNotice = () => undefined } = options;
  const limits: Limits = { ...defaultLimits, ...options.limits };
  const { maxTokens, choices } = limits;
  const service = new Service({ rules: { maxTokens, choices, strict }, onError, onNotice });
  const metrics = createMetrics(service);
  const app = new Hono();

  app.onError((error) => {
    const failure = toApiError(error);
    if (failure.status === 500) service.report(error);
    return failure.response;
  });
  app.notFound((c) => {
    throw new ApiError({
      status: 404,
      message: `There is no ${c.req.method} ${c.req.path.slice(0, 100)} here.`,
    });
  });
  app.use(async (c, next) => {
    await next();
    metrics.count(routePath(c, -1), c.res.status);
    c.header('X-Content-Type-Options', 'nosniff');
    c.header('X-Request-Id', `req_${crypto.randomUUID().replaceAll('-', '')}`);
  });
  app.use(checkHost(hosts), checkOrigin(origins), checkKey(apiKeys));
  app.use(
    bodyLimit({
      maxSize: limits.bodyBytes,
      onError: () => {
        throw new ApiError({
          status: 413,
          message: `A request has at most ${limits.bodyBytes} bytes.`,
          code: 'body_too_large',
        });
      },
    }),
  );

  servePage(app, options.page ?? new Map());
  app.get('/status', (c) => c.json(statusOf(service.require())));
  app.get('/health', (c) => c.json({ status: 'ok' }));
  app.get('/ready', (c) => {
    const { state } = service;
    return c.json({ status: state }, state === 'ready' ? 200 : 503);
  });
  app.get('/metrics', async (c) =>
    c.text(await metrics.text(), 200, { 'Content-Type': metrics.contentType }),
  );
  app.get('/v1/models', (c) => {
    const ready = service.require();
    return c.json({ object: 'list', data: ready.names.map((id) => cardOf(ready, id)) });
  });
  app.get('/v1/models/:name{.+}', (c) => {
    const name = c.req.param('name');
    return c.json(cardOf(service.require(name), name));
  });
  app.post('/v1/chat/completions', (c) => chat(c, service, limits));
  app.post('/v1/completions', (c) => completions(c, service, limits));
  for (const path of ['/v1/chat/completions', '/v1/completions']) {
    app.all(path, (c) => {
      throw new ApiError({
        status: 405,
        message: `${path} takes POST, not ${c.req.method}.`,
        headers: { Allow: 'POST' },
      });
    });
  }

  return {
    fetch: (request, bindings) => app.fetch(request, bindings),
    serve: (served) => {
      const { batch, queue } = limits;
      service.serve(served, { maxBatch: batch, maxQueue: queue, ...metrics.observers });
    },
    limits,
    drain: () => service.drain(limits.drainSeconds),
  };
}
