/**
 * What uPlot does not draw: bands of the phases, labels where the lines end, marks, a level.
 *
 * Knows: a canvas, and where the axes put a value. Does not know the page (`Look` says its
 * colours) nor what the numbers are.
 */
import uPlot from 'uplot';
import type { Phase } from '../api/types';
import type { Line, Point } from './loss';

export interface Band {
  label: string;
  from: number;
  to: number;
}

export interface Mark {
  at: Point;
  label: string;
}

export interface Level {
  y: number;
  label: string;
}

export interface Scene {
  lines: Line[];
  bands: Band[];
  marks: Mark[];
  level: Level | null;
  /** The place on the axis whose numbers are shown, and its phase; null where there is none. */
  chosen: number | null;
  phase: Phase;
  /** Whether someone chose it. */
  pointed: boolean;
}

export interface Look {
  /** A colour of the page, by the name of its token. */
  colour: (token: string) => string;
  family: string;
}

const font = (look: Look): string => `${12 * uPlot.pxRatio}px ${look.family}`;

/** The phases, each a band with its name over it. */
export function drawBands(u: uPlot, { bands }: Scene, look: Look): void {
  const { ctx, bbox } = u;
  ctx.save();
  bands.forEach((band, n) => {
    const left = u.valToPos(band.from, 'x', true);
    const right = n + 1 < bands.length ? u.valToPos(bands[n + 1]!.from, 'x', true) : bbox.left + bbox.width;
    if (n % 2 === 1) {
      ctx.fillStyle = look.colour('band');
      ctx.fillRect(left, bbox.top, right - left, bbox.height);
    }
    ctx.fillStyle = look.colour('soft');
    ctx.font = font(look);
    ctx.textAlign = 'left';
    ctx.textBaseline = 'bottom';
    if (right - left > ctx.measureText(band.label).width) {
      ctx.fillText(band.label, left, bbox.top - 4 * uPlot.pxRatio);
    }
  });
  ctx.restore();
}

/** The level, the chosen place, the marks, and the names of the lines where they end. */
export function drawLabels(u: uPlot, scene: Scene, look: Look): void {
  const { bands, chosen, level, lines, marks, phase, pointed } = scene;
  const { ctx, bbox } = u;
  const ratio = uPlot.pxRatio;
  const place = ([x, y]: Point): Point => [u.valToPos(x, 'x', true), u.valToPos(y, 'y', true)];
  ctx.save();
  ctx.font = font(look);
  ctx.lineWidth = ratio;
  if (level) {
    const y = u.valToPos(level.y, 'y', true);
    ctx.strokeStyle = look.colour('edge');
    ctx.setLineDash([2 * ratio, 3 * ratio]);
    stroke(ctx, bbox.left, y, bbox.left + bbox.width, y);
    ctx.setLineDash([]);
    // At the left: at the right the lines have their labels.
    write(u, bands, look, level.label, bbox.left + 4 * ratio, y - 3 * ratio, 'left', 'bottom', 'soft');
  }
  if (chosen !== null) {
    if (pointed) {
      const at = u.valToPos(chosen, 'x', true);
      ctx.strokeStyle = look.colour('accent');
      stroke(ctx, at, bbox.top, at, bbox.top + bbox.height);
    }
    for (const line of lines) {
      const measured = !line.faint && line.phase === phase;
      const point = measured ? line.points.findLast(([px]) => px === chosen) : undefined;
      if (point) dot(ctx, place(point), 4 * ratio, look.colour(line.colour), look.colour('paper'));
    }
  }
  for (const mark of marks) {
    const [mx, my] = place(mark.at);
    dot(ctx, [mx, my], 5 * ratio, look.colour('paper'), look.colour('ink'));
    // Over it, where no lower line crosses the word; at a line's end its label says it.
    if (!lines.some((line) => ends(line, mark))) {
      const crowded = lines.some((line) => {
        const last = line.label === '' ? undefined : line.points.at(-1);
        if (!last) return false;
        const [px, py] = place(last);
        return Math.abs(px - mx) < 96 * ratio && Math.abs(py - my) < 32 * ratio;
      });
      const aside = crowded ? -10 * ratio : 0;
      write(u, bands, look, mark.label, mx + aside, my - 9 * ratio, crowded ? 'right' : 'left', 'bottom', 'ink');
    }
  }
  for (const line of lines) {
    const last = line.points.at(-1);
    if (!line.label || !last) continue;
    const rival = lines.find(
      (other) => other !== line && other.label && other.name.split(' ')[0] === line.name.split(' ')[0],
    );
    const above = last[1] >= (rival?.points.at(-1)?.[1] ?? -Infinity);
    const [px, py] = place(last);
    const label = [line.label, ...marks.filter((mark) => ends(line, mark)).map((mark) => mark.label)].join(', ');
    write(u, bands, look, label, px, py + (above ? -8 : 8) * ratio, side(px), above ? 'bottom' : 'top', `${line.colour}-text`);
  }
  ctx.restore();

  function ends(line: Line, mark: Mark): boolean {
    return line.label !== '' && line.points.at(-1)?.join() === mark.at.join();
  }

  function side(px: number): CanvasTextAlign {
    return px > bbox.left + bbox.width / 3 ? 'right' : 'left';
  }
}

function write(
  u: uPlot, bands: Band[], look: Look, text: string, x: number, y: number,
  align: CanvasTextAlign, baseline: CanvasTextBaseline, token: string,
): void {
  const { ctx } = u;
  const left = align === 'right' ? x - ctx.measureText(text).width : x;
  const within = bands.findLastIndex((band) => u.valToPos(band.from, 'x', true) <= left);
  ctx.textAlign = align;
  ctx.textBaseline = baseline;
  ctx.lineJoin = 'round';
  // A halo in the colour of what lies behind, so that no line crosses the word.
  ctx.strokeStyle = look.colour(within % 2 === 1 ? 'band' : 'paper');
  const width = ctx.lineWidth;
  ctx.lineWidth = 4 * uPlot.pxRatio;
  ctx.strokeText(text, x, y);
  ctx.lineWidth = width;
  ctx.fillStyle = look.colour(token);
  ctx.fillText(text, x, y);
}

function stroke(ctx: CanvasRenderingContext2D, x1: number, y1: number, x2: number, y2: number): void {
  ctx.beginPath();
  ctx.moveTo(x1, y1);
  ctx.lineTo(x2, y2);
  ctx.stroke();
}

function dot(ctx: CanvasRenderingContext2D, [x, y]: Point, radius: number, fill: string, edge: string): void {
  ctx.beginPath();
  ctx.arc(x, y, radius, 0, 2 * Math.PI);
  ctx.fillStyle = fill;
  ctx.strokeStyle = edge;
  ctx.fill();
  ctx.stroke();
}
