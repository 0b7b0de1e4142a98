export function renderReport(data: unknown): string {
  return JSON.stringify(data);
}
