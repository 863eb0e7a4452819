/** Which checkpoints to show of a training: most changes early. */

/**
 * Of a list with the newest first, at most `count`: the newest, the oldest, and between them
 * those whose steps are nearest to equal ratios.
 */
export function milestones<T extends { step: number }>(newestFirst: readonly T[], count: number): T[] {
  const last = newestFirst.length - 1;
  if (last < count) return [...newestFirst];
  const [newest, oldest] = [Math.max(1, newestFirst[0]!.step), Math.max(1, newestFirst[last]!.step)];
  const chosen: number[] = [0];
  for (let n = 1; n < count - 1; n++) {
    const wanted = newest * (oldest / newest) ** (n / (count - 1));
    // Never one twice, and enough left for those that follow.
    const from = chosen[n - 1]! + 1;
    const to = last - (count - 1 - n);
    let best = from;
    for (let at = from; at <= to; at++) {
      const away = (index: number): number => Math.abs(newestFirst[index]!.step - wanted);
      if (away(at) < away(best)) best = at;
    }
    chosen.push(best);
  }
  return [...chosen, last].map((at) => newestFirst[at]!);
}
