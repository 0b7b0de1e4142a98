// moeq's OpenAI-compatible server as a function from Request to Response.

export type { App, AppOptions } from './app.js';
export { createApp } from './app.js';
export { defaultLimits, type Limits } from './limits.js';
export { modelId } from './model-id.js';
export type { Page, PageFile } from './page.js';
export type { ServedModel } from './served-model.js';
