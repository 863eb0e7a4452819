/**
 * A parser of server-sent events that survives any split of the byte stream.
 *
 * Knows the grammar (WHATWG HTML, "Server-sent events"): CR, LF or CRLF end a line, a blank
 * line ends an event, lines that begin with a colon are comments. Does not know what the data
 * means.
 */
export class SseParser {
  private readonly decoder = new TextDecoder();
  private rest = '';
  private data: string[] = [];

  /** The `data` of every event that these bytes complete, in order. */
  push(bytes: Uint8Array): string[] {
    this.rest += this.decoder.decode(bytes, { stream: true });
    const events: string[] = [];
    for (;;) {
      const end = this.rest.search(/[\r\n]/);
      if (end < 0) break;
      // A CR at the very end may be half of a CRLF: wait for what follows.
      if (this.rest[end] === '\r' && end + 1 === this.rest.length) break;
      const width = this.rest.startsWith('\r\n', end) ? 2 : 1;
      this.line(this.rest.slice(0, end), events);
      this.rest = this.rest.slice(end + width);
    }
    return events;
  }

  private line(line: string, events: string[]): void {
    if (line === '') {
      if (this.data.length > 0) events.push(this.data.join('\n'));
      this.data = [];
      return;
    }
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    if (field !== 'data') return;
    const value = colon < 0 ? '' : line.slice(colon + 1);
    this.data.push(value.startsWith(' ') ? value.slice(1) : value);
  }
}
