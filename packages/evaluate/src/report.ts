// A page that shows what an evaluation found: pictures drawn once, as SVG, by Observable Plot. Kept behind a subpath, so
// that no other part loads a plotting library.

export { renderReport } from './report/page.js';
export type { ReportData } from './report/report-data.js';
