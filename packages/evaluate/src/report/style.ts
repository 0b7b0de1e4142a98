// The page's style sheet: system fonts, one column, light and dark by custom properties.

const light = `
  --background: #fbfaf8; --card: #ffffff; --text: #1c1d22; --soft: #6b6e78; --rule: #e7e5e0; --accent: #2f6fde; --warm: #c2571a;
  --role-expert: #2f6fde; --role-sharedExpert: #58a6c4; --role-attention: #e0932f; --role-denseMlp: #8a6fd1;
  --role-embedding: #4aa37c; --role-head: #a9c24c; --role-router: #d1495b; --role-norm: #9a9da6;
  --heat-0: #f0f4fb; --heat-1: #dbe7f8; --heat-2: #c0d6f4; --heat-3: #9fc0ee; --heat-4: #79a6e6; --heat-5: #5489db;
  --heat-6: #356cc6; --heat-7: #2051a3; --heat-8: #123777;
  --on-heat-0: #27324a; --on-heat-1: #27324a; --on-heat-2: #1f2c47; --on-heat-3: #152445; --on-heat-4: #0c1a38;
  --on-heat-5: #ffffff; --on-heat-6: #ffffff; --on-heat-7: #ffffff; --on-heat-8: #ffffff;
  --load-0: #b9501a; --load-1: #e08d4f; --load-2: #f5cfae; --load-3: #f3f1ec; --load-4: #bfd5f3; --load-5: #6a9ce3;
  --load-6: #2051a3;
  --on-load-0: #ffffff; --on-load-1: #2e1503; --on-load-2: #43240c; --on-load-3: #3c3d42; --on-load-4: #1f2c47;
  --on-load-5: #0a1733; --on-load-6: #ffffff;`;

const dark = `
  --background: #14161b; --card: #1b1e25; --text: #eceef2; --soft: #9aa0ad; --rule: #2b2f39; --accent: #6ea3ff; --warm: #f0925a;
  --role-expert: #5b93f5; --role-sharedExpert: #5cb3d3; --role-attention: #e9a24a; --role-denseMlp: #a28be6;
  --role-embedding: #55b98d; --role-head: #b5cf57; --role-router: #ea6476; --role-norm: #7d828e;
  --heat-0: #1d2533; --heat-1: #1f3049; --heat-2: #213d63; --heat-3: #244b80; --heat-4: #2b5c9f; --heat-5: #3a73c2;
  --heat-6: #5c92dd; --heat-7: #8fb6ee; --heat-8: #c9ddfa;
  --on-heat-0: #c6cddb; --on-heat-1: #d0d8e6; --on-heat-2: #dbe5f5; --on-heat-3: #e6eefb; --on-heat-4: #f2f6fd;
  --on-heat-5: #ffffff; --on-heat-6: #0a1730; --on-heat-7: #0a1730; --on-heat-8: #0a1730;
  --load-0: #e7803c; --load-1: #a85c2c; --load-2: #5c3a26; --load-3: #262a33; --load-4: #25436e; --load-5: #3f78c8;
  --load-6: #9cc1f5;
  --on-load-0: #200d00; --on-load-1: #ffffff; --on-load-2: #f3ddcd; --on-load-3: #c3c8d2; --on-load-4: #e3edfb;
  --on-load-5: #ffffff; --on-load-6: #0a1730;`;

export const style = `
:root { color-scheme: light dark; ${light} }
@media (prefers-color-scheme: dark) { :root { ${dark} } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--background); color: var(--text); font: 16px/1.55 ui-sans-serif, system-ui, -apple-system,
  "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", Arial, sans-serif; -webkit-font-smoothing: antialiased; }
main { max-width: 984px; margin: 0 auto; padding: 56px 24px 72px; }
header { margin-bottom: 32px; }
.eyebrow { color: var(--accent); font-size: 13px; font-weight: 600; letter-spacing: .08em; text-transform: uppercase; }
h1 { font-size: 38px; line-height: 1.15; letter-spacing: -.022em; margin: 6px 0 10px; overflow-wrap: anywhere; }
h2 { font-size: 20px; letter-spacing: -.01em; margin: 0 0 4px; }
p { margin: 0; color: var(--soft); max-width: 68ch; }
p strong { color: var(--text); font-weight: 600; }
section { background: var(--card); border: 1px solid var(--rule); border-radius: 14px; padding: 26px 28px 24px;
  margin-top: 20px; }
section > p { margin-bottom: 20px; font-size: 15px; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(168px, 1fr)); background: var(--card);
  border: 1px solid var(--rule); border-radius: 14px; overflow: hidden; }
.tile { box-shadow: 0 0 0 .5px var(--rule); padding: 18px 20px 16px; }
.tile span { color: var(--soft); font-size: 13.5px; display: block; }
.tile b { font-size: 29px; line-height: 1.3; font-weight: 620; letter-spacing: -.02em; font-variant-numeric: tabular-nums;
  display: block; }
.tile small { color: var(--soft); font-size: 13px; }
svg { display: block; max-width: 100%; height: auto; }
svg text { font-variant-numeric: tabular-nums; }
.keys { display: flex; flex-wrap: wrap; gap: 4px 20px; margin: 0 0 14px; font-size: 14px; }
.key i { display: inline-block; width: 11px; height: 11px; border-radius: 3px; margin-right: 7px; }
.key small { color: var(--soft); font-size: 13px; }
.legend { display: inline-grid; grid-template-columns: auto 300px; column-gap: 14px; align-items: center;
  font-size: 13px; color: var(--soft); margin: 0 0 12px; max-width: 100%; }
.strip { display: flex; height: 11px; border-radius: 3px; overflow: hidden; }
.strip i { flex: 1; }
.marks { grid-column: 2; position: relative; height: 19px; font-size: 12px; }
.marks b { position: absolute; transform: translateX(-50%); font-weight: 400; white-space: nowrap;
  font-variant-numeric: tabular-nums; }
table { border-collapse: collapse; width: 100%; font-size: 14.5px; font-variant-numeric: tabular-nums; }
.scroll { overflow-x: auto; }
th { text-align: right; color: var(--soft); font-weight: 500; font-size: 13px; padding: 0 0 8px 18px; white-space: nowrap; }
td { text-align: right; padding: 7px 0 7px 18px; border-top: 1px solid var(--rule); white-space: nowrap; }
th:first-child, td:first-child { text-align: left; padding-left: 0; }
tr.all td { font-weight: 620; }
td.words, th.words { text-align: left; }
.table-gap { margin-top: 26px; }
footer { color: var(--soft); font-size: 13.5px; margin-top: 30px; }
footer p { max-width: none; margin-top: 8px; }
@media (max-width: 640px) { main { padding: 32px 14px 48px; } h1 { font-size: 29px; } section { padding: 20px 16px; }
  .legend { display: grid; grid-template-columns: 1fr; } .marks { grid-column: 1; }
  .strip, .marks { width: min(300px, 100% - 28px); margin: 0 14px; }
  .drawing { overflow-x: auto; } .drawing svg { min-width: 620px; } }
@media print { body { background: none; } section { break-inside: avoid; } }
`;
