import { describe, expect, it } from 'vitest';
import { SseParser } from './sse';

const STREAM =
  ': comment\n\ndata: {"text": "na\u00efve \ud83d\udc16"}\r\n\r\ndata: {"text": "\\u2028 x"}\n\ndata:a\rdata: b\r\revent: ping\n\n' +
  'data: {"done": true}\n\n';
const EVENTS = ['{"text": "na\u00efve \ud83d\udc16"}', '{"text": "\\u2028 x"}', 'a\nb', '{"done": true}'];

describe('SseParser', () => {
  const bytes = new TextEncoder().encode(STREAM);

  it('gives the same events wherever the bytes are split in two', () => {
    for (let cut = 0; cut <= bytes.length; cut++) {
      const parser = new SseParser();
      const events = [...parser.push(bytes.slice(0, cut)), ...parser.push(bytes.slice(cut))];
      expect(events, `cut at ${cut}`).toEqual(EVENTS);
    }
  });

  it('gives the same events byte by byte', () => {
    const parser = new SseParser();
    const events = [...bytes].flatMap((byte) => parser.push(new Uint8Array([byte])));
    expect(events).toEqual(EVENTS);
  });

  it('gives nothing for an event that has not ended', () => {
    expect(new SseParser().push(new TextEncoder().encode('data: {"text": "x"}\n'))).toEqual([]);
  });
});
