"""Style sheet of the report: phone, desk and paper, in light and in dark."""

STYLE = """
:root { color-scheme: light dark; --ink: #1b1f23; --page: #ffffff; --soft: #57606a;
  --line: #d0d7de; --shade: #f4f6f8; --best: #e3f3e6; --fired: #fdeee6; --link: #0059a3; }
@media screen and (prefers-color-scheme: dark) {
  :root { --ink: #e6e9ec; --page: #14181c; --soft: #9aa4ae; --line: #3a434c; --shade: #1d2329;
    --best: #1d3a26; --fired: #45291b; --link: #79b8ff; }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body { margin: 0 auto; padding: 1rem; max-width: 76rem; background: var(--page);
  color: var(--ink); font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif;
  overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: 0.5rem 0; }
h2 { font-size: 1.25rem; margin: 2.5rem 0 0.5rem; padding-top: 0.75rem;
  border-top: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 1rem 0 0.25rem; }
p { margin: 0.5rem 0; max-width: 46rem; }
a { color: var(--link); }
nav ul, .models { display: flex; flex-wrap: wrap; gap: 0.25rem 1.25rem; list-style: none;
  margin: 0.5rem 0; padding: 0; }
.models span { font-weight: 700; }
.note, figcaption, footer { color: var(--soft); font-size: 0.875rem; }
.scroll { overflow-x: auto; max-width: 100%; margin: 0.75rem 0; }
table { border-collapse: collapse; font-size: 0.875rem; font-variant-numeric: tabular-nums; }
th, td { padding: 0.3rem 0.6rem; text-align: right; white-space: nowrap;
  border-bottom: 1px solid var(--line); }
thead th { background: var(--shade); }
th[scope=row] { text-align: left; white-space: normal; min-width: 7rem; max-width: 14rem; }
table:not(.words) th:first-child { position: sticky; left: 0; }
table:not(.words) th[scope=row] { background: var(--page); }
@media screen and (max-width: 30rem) { table:not(.words) th[scope=row] { max-width: 8rem; } }
thead th:first-child, .words th, .words td { text-align: left; }
td.wide { white-space: normal; max-width: 40rem; }
.words { max-width: 46rem; }
td.best { background: var(--best); font-weight: 700; }
tr.fired td, tr.fired th { background: var(--fired); }
.pictures { display: grid; gap: 1rem 2rem;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 22rem), 1fr)); }
figure { margin: 0; min-width: 0; max-width: 32rem; }
figure svg { display: block; width: 100%; height: auto; }
svg * { stroke-linejoin: round; stroke-linecap: butt; }
svg text { fill: currentColor; font-family: inherit !important; }
@media print {
  @page { margin: 15mm; }
  body { padding: 0; max-width: none; font-size: 10pt; }
  nav { display: none; }
  h2, h3 { break-after: avoid; }
  figure, tr { break-inside: avoid; }
  .pictures { grid-template-columns: 1fr 1fr; gap: 0.5rem 1rem; }
  .scroll { overflow: visible; }
  table { font-size: 7.5pt; }
  th, td { padding: 0.15rem 0.3rem; }
  td.best, tr.fired td, tr.fired th, thead th { print-color-adjust: exact;
    -webkit-print-color-adjust: exact; }
}
"""
