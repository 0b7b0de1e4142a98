import { type AIMessage, HumanMessage } from '@langchain/core/messages';
import { DynamicStructuredTool } from '@langchain/core/tools';
import { ChatOpenAI } from '@langchain/openai';
import { modelName, report, type TestedClient, thrown, weather } from './client.js';

export function langchainClient(baseURL: string): TestedClient {
  const model = (maxTokens: number) =>
    new ChatOpenAI({
      ...{ model: modelName, apiKey: 'none', temperature: 0, maxTokens, maxRetries: 0 },
      configuration: { baseURL },
    });
  return {
    async chat(question, maxTokens) {
      return (await model(maxTokens).invoke(question)).text;
    },
    async stream(question, maxTokens) {
      const pieces: string[] = [];
      for await (const { text } of await model(maxTokens).stream(question)) pieces.push(text);
      return pieces;
    },
    /** What its agents do: the tool makes the message of its result, which has the tool's name. */
    async loop(question, maxTokens) {
      let called: unknown;
      const getWeather = new DynamicStructuredTool({
        name: weather.name,
        description: weather.description,
        schema: weather.parameters,
        func: async (given: unknown) => {
          called = given;
          return 'rain';
        },
      });
      const asked = new HumanMessage(question);
      const first: AIMessage = await model(maxTokens)
        .bindTools([getWeather], { tool_choice: 'required' })
        .invoke([asked]);
      const results = await Promise.all((first.tool_calls ?? []).map((call) => getWeather.invoke(call)));
      const { text } = await model(maxTokens)
        .bindTools([getWeather], { tool_choice: 'none' })
        .invoke([asked, first, ...results]);
      return { called, text };
    },
    async object(question) {
      return model(80)
        .withStructuredOutput(report, { method: 'jsonSchema', name: 'report' })
        .invoke(question);
    },
    async abort(question) {
      const controller = new AbortController();
      const stream = await model(200).stream(question, { signal: controller.signal });
      const read = async () => {
        for await (const { text } of stream) if (text !== '') controller.abort();
      };
      await thrown(read());
    },
    async refusal(question) {
      const { status, message } = await thrown(model(1).invoke(question));
      return { status, message };
    },
  };
}
