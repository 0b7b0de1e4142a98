export { combine, planDispatch } from './dispatch.js';
export { joinRoutings } from './join.js';
export type { ExpertLoad, LoadStatistics } from './load.js';
export { expertLoad, loadStatistics, mergeExpertLoads } from './load.js';
export { route } from './route.js';
export { validateRouteSpec } from './spec.js';
export type { DispatchPlan, RouteSpec, Routing } from './types.js';
