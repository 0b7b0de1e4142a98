import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { generateText, isStepCount, jsonSchema, Output, streamText, tool } from 'ai';
import { modelName, report, type TestedClient, thrown, weather } from './client.js';

export function aiSdkClient(baseURL: string): TestedClient {
  const provider = createOpenAICompatible({ name: 'moeq', baseURL, supportsStructuredOutputs: true });
  const asked = (prompt: string, maxOutputTokens: number) => ({
    model: provider(modelName),
    prompt,
    temperature: 0,
    maxOutputTokens,
    maxRetries: 0,
  });
  return {
    async chat(question, maxTokens) {
      return (await generateText(asked(question, maxTokens))).text;
    },
    async stream(question, maxTokens) {
      const pieces: string[] = [];
      for await (const piece of streamText(asked(question, maxTokens)).textStream) pieces.push(piece);
      return pieces;
    },
    async loop(question, maxTokens) {
      let called: unknown;
      const execute = async (given: unknown) => {
        called = given;
        return 'rain';
      };
      const inputSchema = jsonSchema(weather.parameters as unknown as Parameters<typeof jsonSchema>[0]);
      const { text } = await generateText({
        ...asked(question, maxTokens),
        tools: { [weather.name]: tool({ description: weather.description, inputSchema, execute }) },
        stopWhen: isStepCount(2),
        prepareStep: ({ stepNumber }) => ({ toolChoice: stepNumber === 0 ? 'required' : 'none' }),
      });
      return { called, text };
    },
    async object(question) {
      const schema = jsonSchema(report as unknown as Parameters<typeof jsonSchema>[0]);
      return (await generateText({ ...asked(question, 80), output: Output.object({ schema }) })).output;
    },
    async abort(question) {
      const controller = new AbortController();
      const { textStream } = streamText({ ...asked(question, 200), abortSignal: controller.signal });
      for await (const piece of textStream) if (piece !== '') controller.abort();
    },
    async refusal(question) {
      const { statusCode, message } = await thrown(generateText(asked(question, 1)));
      return { status: statusCode, message };
    },
  };
}
