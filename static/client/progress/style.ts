/**
 * The element's style. It inherits the page's font and text color; the other colors follow the
 * page's `color-scheme`, and each can be set by its variable.
 */
export const STYLE = `
:host {
  --color: var(--headway-color, light-dark(#3d5ae8, #7d93ff));
  --muted: var(--headway-muted, color-mix(in srgb, currentColor 72%, transparent));
  --warn: var(--headway-warn, light-dark(#96590a, #f0b456));
  display: block;
  min-width: 0;
  font-variant-numeric: tabular-nums;
  line-height: 1.4;
}
:host([hidden]), [hidden] { display: none !important; }
.loading, .pending { --color: var(--muted); }
.completed { --color: var(--headway-completed, light-dark(#14804f, #4cc38a)); }
.failed, .error { --color: var(--headway-failed, light-dark(#c4312f, #ff8582)); }
.canceled { --color: var(--headway-canceled, light-dark(#667085, #8b95a8)); }
.head, .foot { display: flex; flex-wrap: wrap; gap: 0 0.75em; align-items: baseline; }
.text { overflow-wrap: anywhere; min-width: 0; unicode-bidi: isolate; }
.label { font-weight: 600; }
.status { color: var(--color); }
.percent, .time { margin-inline-start: auto; white-space: nowrap; }
.percent { font-weight: 600; }
.foot, .message { color: var(--muted); font-size: 0.875em; }
.message { display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 3; overflow: hidden; }
.failed .message, .error .message { color: var(--color); }
.artifacts { display: flex; flex-wrap: wrap; gap: 0 1em; margin-top: 0.25em; font-size: 0.875em; }
.artifact { color: inherit; overflow-wrap: anywhere; unicode-bidi: isolate; }
.connection { color: var(--warn); }
.bar {
  height: var(--headway-height, 0.5em);
  margin: 0.4em 0;
  overflow: hidden;
  border-radius: var(--headway-radius, 1em);
  background: var(--headway-track, color-mix(in srgb, currentColor 14%, transparent));
}
.fill {
  height: 100%;
  border-radius: inherit;
  background: var(--color);
  transition: transform 0.25s ease-out;
}
.unknown .fill { width: 35%; animation: wander 1.6s ease-in-out infinite alternate; }
@keyframes wander { from { transform: translateX(-30%); } to { transform: translateX(215%); } }
.live { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
@media (prefers-reduced-motion: reduce) {
  .fill { transition: none; }
  .unknown .fill { width: 100%; animation: none; opacity: 0.4; }
}
@media (forced-colors: active) {
  .bar { border: 1px solid CanvasText; }
  .fill { background: Highlight; forced-color-adjust: none; }
}
`;
