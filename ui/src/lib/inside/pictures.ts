/**
 * The panels as SVG, for a file: on paper, in the colours of the light theme, with a caption.
 *
 * Knows: rectangles and letters. Does not know what they mean.
 */

const PAPER = '#fbfaf7';
const INK = '#1c1b19';
const SOFT = '#625f58';
const HUE: [number, number, number] = [11, 92, 94];
const WIDTH = 760;
const EDGE = 24;

export const escaped = (text: string): string =>
  text.replace(/[&<>"]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[c]!)
    // Of what is left XML forbids control characters and half surrogate pairs.
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, '\ufffd');

/** Paper at 0, the accent at 1. */
export function shade(strength: number): string {
  const paper = [251, 250, 247];
  const mixed = HUE.map((part, at) => Math.round(paper[at]! + (part - paper[at]!) * strength));
  return `rgb(${mixed.join(',')})`;
}

const letters = (x: number, y: number, text: string, rest = ''): string =>
  `<text x="${x}" y="${y}" ${rest}>${escaped(text)}</text>`;

function sheet(height: number, title: string, caption: string, body: string): string {
  const lines = caption.match(/.{1,100}(\s|$)|\S+/g) ?? [];
  const below = height + 64;
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${below + 18 * lines.length}" ` +
    `font-family="Georgia, serif" font-size="13" fill="${INK}">` +
    `<rect width="100%" height="100%" fill="${PAPER}"/>` +
    letters(EDGE, 30, title, 'font-size="17"') +
    `<g transform="translate(${EDGE},48)">${body}</g>` +
    lines.map((line, at) => letters(EDGE, below + 18 * at, line.trim(), `fill="${SOFT}" font-size="12"`)).join('') +
    '</svg>'
  );
}

/** A matrix of strengths, null where there is nothing (masked); labels where they have room. */
export function matrixPicture(
  title: string,
  caption: string,
  rows: string[],
  columns: string[],
  at: (row: number, column: number) => number | null,
): string {
  const room = WIDTH - 2 * EDGE;
  const left = 88;
  const cell = Math.max(1, Math.min(26, (room - left) / columns.length));
  const roomy = cell >= 9;
  const top = roomy ? 72 : 8;
  let body = '';
  for (let row = 0; row < rows.length; row++) {
    if (roomy) body += letters(left - 6, top + (row + 0.7) * cell, rows[row]!, 'text-anchor="end" font-size="11" font-family="monospace"');
    for (let column = 0; column < columns.length; column++) {
      const value = at(row, column);
      const [x, y] = [left + column * cell, top + row * cell];
      if (value === null) {
        if (roomy) body += letters(x + cell / 2, y + cell * 0.7, '×', `text-anchor="middle" font-size="9" fill="#8a867c"`);
      } else {
        body += `<rect x="${x}" y="${y}" width="${cell}" height="${cell}" fill="${shade(value)}"/>`;
      }
    }
  }
  if (roomy) {
    for (const [column, label] of columns.entries()) {
      const x = left + (column + 0.65) * cell;
      body += letters(x, top - 6, label, `transform="rotate(-60 ${x} ${top - 6})" font-size="11" font-family="monospace"`);
    }
  }
  return sheet(top + rows.length * cell, title, caption, body);
}

export interface Bar {
  name: string;
  value: number;
  label: string;
  /** Drawn as an outline alone. */
  hollow?: boolean;
}

export function barsPicture(title: string, caption: string, bars: Bar[]): string {
  const most = Math.max(1e-12, ...bars.map((bar) => Math.abs(bar.value)));
  const body = bars
    .map((bar, at) => {
      const width = Math.max(1, (440 * Math.abs(bar.value)) / most);
      const fill = bar.hollow ? `fill="none" stroke="${shade(1)}"` : `fill="${shade(0.9)}"`;
      const y = 22 * at;
      return (
        letters(150, y + 14, bar.name, 'text-anchor="end" font-family="monospace" font-size="12"') +
        `<rect x="160" y="${y + 3}" width="${width}" height="14" ${fill}/>` +
        letters(168 + width, y + 14, bar.label, `font-size="12" fill="${SOFT}"`)
      );
    })
    .join('');
  return sheet(22 * bars.length, title, caption, body);
}

/** Words on shades of the accent. */
export function textPicture(
  title: string,
  caption: string,
  pieces: { text: string; strength: number }[],
): string {
  const letter = 8;
  const [lineHeight, room] = [28, WIDTH - 2 * EDGE];
  let [x, y, body] = [0, 0, ''];
  for (const { text, strength } of pieces) {
    const width = Math.max(1, [...text].length) * letter + 4;
    if (x + width > room) [x, y] = [0, y + lineHeight];
    body +=
      `<rect x="${x}" y="${y}" width="${width - 1}" height="22" fill="${shade(strength)}"/>` +
      letters(x + 2, y + 16, text, `font-family="monospace" font-size="13" fill="${strength > 0.55 ? PAPER : INK}"`);
    x += width;
  }
  return sheet(y + lineHeight, title, caption, body);
}

export interface Curve {
  name: string;
  points: [number, number][];
}

const CURVES = ['#999999', '#56b4e9', '#009e73', '#e69f00', '#0072b2', '#cc79a7', '#d55e00'];
export const curveColour = (at: number): string => CURVES[at % CURVES.length]!;

/** Lines with their names at their ends. */
export function curvesPicture(title: string, caption: string, curves: Curve[], axis: string): string {
  const all = curves.flatMap((curve) => curve.points);
  const [width, height] = [580, 340];
  const xs = all.map(([x]) => x);
  const ys = all.map(([, y]) => y);
  const [right, low, high] = [Math.max(1e-9, ...xs), Math.min(...ys), Math.max(...ys)];
  const place = ([x, y]: [number, number]): [number, number] => [
    40 + (width * x) / right,
    height - ((height - 10) * (y - low)) / Math.max(1e-9, high - low),
  ];
  const ends = curves
    .map((curve, at) => ({ curve, at, end: place(curve.points.at(-1) ?? [0, low]) }))
    .sort((a, b) => a.end[1] - b.end[1]);
  let free = -Infinity;
  let body = `<line x1="40" y1="${height}" x2="${40 + width}" y2="${height}" stroke="${SOFT}"/>`;
  body += letters(0, 14, high.toFixed(2), `fill="${SOFT}" font-size="12"`);
  body += letters(0, height, low.toFixed(2), `fill="${SOFT}" font-size="12"`);
  body += letters(40 + width / 2, height + 18, axis, `fill="${SOFT}" font-size="12" text-anchor="middle"`);
  for (const { curve, at, end } of ends) {
    const path = curve.points.map((point) => place(point).map((n) => n.toFixed(1)).join(',')).join(' ');
    body += `<polyline points="${path}" fill="none" stroke="${curveColour(at)}" stroke-width="2"/>`;
    free = Math.max(free + 15, end[1] + 4);
    body += letters(end[0] + 6, free, curve.name, `fill="${INK}" font-size="12"`);
  }
  return sheet(height + 28, title, caption, body);
}
