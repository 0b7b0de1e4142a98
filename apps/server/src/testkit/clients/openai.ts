import OpenAI from 'openai';
import { modelName, report, type TestedClient, type ToolLoop, thrown, weather } from './client.js';

export function openaiClient(baseURL: string): TestedClient {
  const { completions } = new OpenAI({ baseURL, apiKey: 'none', maxRetries: 0 }).chat;
  const asked = (content: string, max_tokens: number) => ({
    model: modelName,
    messages: [{ role: 'user' as const, content }],
    temperature: 0,
    max_tokens,
  });
  return {
    async chat(question, maxTokens) {
      const { choices } = await completions.create(asked(question, maxTokens));
      return choices[0]?.message.content ?? '';
    },
    async stream(question, maxTokens) {
      const pieces: string[] = [];
      const stream = await completions.create({ ...asked(question, maxTokens), stream: true });
      for await (const { choices } of stream) pieces.push(choices[0]?.delta.content ?? '');
      return pieces;
    },
    async loop(question, maxTokens): Promise<ToolLoop> {
      const request = asked(question, maxTokens);
      const tools = [{ type: 'function' as const, function: weather }];
      const first = await completions.create({ ...request, tools, tool_choice: 'required' });
      const message = first.choices[0]?.message;
      const call = message?.tool_calls?.[0];
      if (message === undefined || call?.type !== 'function') throw new Error('no call');
      const result = { role: 'tool' as const, tool_call_id: call.id, content: 'rain' };
      const messages = [...request.messages, message, result];
      const { choices } = await completions.create({ ...request, messages, tools, tool_choice: 'none' });
      return { called: JSON.parse(call.function.arguments), text: choices[0]?.message.content ?? '' };
    },
    async object(question) {
      const json_schema = { name: 'report', schema: report, strict: true };
      const { choices } = await completions.parse({
        ...asked(question, 80),
        response_format: { type: 'json_schema', json_schema },
      });
      return choices[0]?.message.parsed;
    },
    async abort(question) {
      const stream = await completions.create({ ...asked(question, 200), stream: true });
      for await (const { choices } of stream) if (choices[0]?.delta.content) break;
    },
    async refusal(question) {
      const { status, message } = await thrown(completions.create(asked(question, 1)));
      return { status, message };
    },
  };
}
