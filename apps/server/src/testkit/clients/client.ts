// What is asked of every client of OpenAI's interface, as its own documentation does it. Clients are used unmodified.

/** A client knows no other model; the server takes any name. */
export const modelName = 'gpt-4o-mini';

export const weather = {
  name: 'get_weather',
  description: 'The weather of a city',
  parameters: {
    type: 'object',
    properties: { city: { type: 'string', enum: ['Paris'] } },
    required: ['city'],
    additionalProperties: false,
  },
} as const;

export const report = {
  type: 'object',
  properties: { city: { type: 'string', enum: ['Paris'] }, sky: { type: 'string', enum: ['rain'] } },
  required: ['city', 'sky'],
  additionalProperties: false,
} as const;

export interface ToolLoop {
  /** Arguments that the tool was run with. */
  readonly called: unknown;
  /** The answer to what the tool gave. */
  readonly text: string;
}

export interface TestedClient {
  /** All with temperature 0. */
  chat(question: string, maxTokens: number): Promise<string>;
  stream(question: string, maxTokens: number): Promise<readonly string[]>;
  /** The model has to call the tool, whose result `rain` it gets; then it answers in words. */
  loop(question: string, maxTokens: number): Promise<ToolLoop>;
  /** An answer held to the schema `report`. */
  object(question: string): Promise<unknown>;
  /** Leaves a stream after its first piece. */
  abort(question: string): Promise<void>;
  /** Status and message of a refused request, as the client's error has them. */
  refusal(question: string): Promise<{ readonly status: unknown; readonly message: string }>;
}

/** What a client throws. @throws Error where it throws nothing */
export async function thrown(action: Promise<unknown>): Promise<Error & Readonly<Record<string, unknown>>> {
  try {
    await action;
  } catch (error) {
    return error as Error & Readonly<Record<string, unknown>>;
  }
  throw new Error('expected an error, found an answer');
}
