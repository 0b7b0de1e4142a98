import type { BaseTool, ToolCall } from '@llamaindex/core/llms';
import { OpenAI } from '@llamaindex/openai';
import { modelName, report, type TestedClient, thrown, weather } from './client.js';

export function llamaindexClient(baseURL: string): TestedClient {
  const llm = (maxTokens: number, additionalSessionOptions = {}) =>
    new OpenAI({
      ...{ model: modelName, apiKey: 'none', baseURL, temperature: 0, maxTokens, maxRetries: 0 },
      additionalSessionOptions,
    });
  const asked = (content: string) => ({ role: 'user' as const, content });
  const tools: BaseTool[] = [{ metadata: weather }];
  return {
    async chat(question, maxTokens) {
      const { message } = await llm(maxTokens).chat({ messages: [asked(question)] });
      return String(message.content);
    },
    async stream(question, maxTokens) {
      const pieces: string[] = [];
      const stream = await llm(maxTokens).chat({ messages: [asked(question)], stream: true });
      for await (const { delta } of stream) pieces.push(delta);
      return pieces;
    },
    async loop(question, maxTokens) {
      const choose = (tool_choice: 'required' | 'none') => ({
        tools,
        additionalChatOptions: { tool_choice },
      });
      const { message } = await llm(maxTokens).chat({ messages: [asked(question)], ...choose('required') });
      const { toolCall: [call] = [] } = message.options as { toolCall?: ToolCall[] };
      if (call === undefined) throw new Error('no call');
      const options = { toolResult: { id: call.id, result: 'rain', isError: false } };
      const result = { role: 'user' as const, content: 'rain', options };
      const messages = [asked(question), message, result];
      const last = await llm(maxTokens).chat({ messages, ...choose('none') });
      const { input } = call;
      return {
        called: typeof input === 'string' ? JSON.parse(input) : input,
        text: String(last.message.content),
      };
    },
    async object(question) {
      const json_schema = { name: 'report', schema: report, strict: true };
      const responseFormat = { type: 'json_schema', json_schema };
      const { message } = await llm(80).chat({ messages: [asked(question)], responseFormat });
      return JSON.parse(String(message.content));
    },
    /** A loop that ends early does not reach its stream (0.4.22 wraps it without `return`), and `chat` takes no signal. */
    async abort(question) {
      const controller = new AbortController();
      const { signal } = controller;
      const ending = llm(200, { fetchOptions: { signal } });
      const stream = await ending.chat({ messages: [asked(question)], stream: true });
      for await (const { delta } of stream) if (delta !== '') controller.abort();
    },
    async refusal(question) {
      const { status, message } = await thrown(llm(1).chat({ messages: [asked(question)] }));
      return { status, message };
    },
  };
}
