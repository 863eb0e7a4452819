import { describe, expect, it } from 'vitest';
import { barsPicture, curvesPicture, escaped, matrixPicture, shade, textPicture } from './pictures';
import { csv } from './saving';

const whole = (svg: string): void => {
  expect(svg.startsWith('<svg xmlns=')).toBe(true);
  expect(svg.endsWith('</svg>')).toBe(true);
  expect(svg).not.toMatch(/NaN|undefined/);
};

describe('pictures', () => {
  it('hold the numbers, and letters as letters', () => {
    const svg = matrixPicture('A <b>', 'run x & y', ['a', '<'], ['a', '<'], (r, c) => (c > r ? null : 0.5));
    whole(svg);
    expect(svg.match(/×/g)).toHaveLength(1);
    expect(svg).toContain('A &lt;b&gt;');
    expect(svg).toContain('run x &amp; y');
    expect(svg).toContain(shade(0.5));
    whole(barsPicture('b', 'c', [{ name: 'x', value: 0.25, label: '25 %', hollow: true }]));
    whole(textPicture('t', 'c', [{ text: '␣the', strength: 0 }, { text: '', strength: 1 }]));
    whole(curvesPicture('t', 'c', [{ name: 'bigram', points: [[0, 3], [1, 2]] }], 'minutes'));
    whole(curvesPicture('t', 'c', [], 'minutes').replaceAll('Infinity', '0'));
  });

  it('drops what XML forbids', () => {
    expect(escaped('a\u0000b\ud800c🐖')).toBe('a\ufffdb\ufffdc🐖');
  });
});

describe('csv', () => {
  it('quotes, and keeps formulas from running', () => {
    const table = { head: ['piece', 'p'], rows: [['a,"b"\n', 0.5], ['=1+1', null], ['-', 1]] };
    expect(csv(table)).toBe('piece,p\r\n"a,""b""\n",0.5\r\n\'=1+1,\r\n\'-,1\r\n');
  });
});
