/**
 * The candidate that was probably meant, if one is at most `distance` changes of a character away, and less than half
 * of the name: with more, anything short would be like anything.
 */
export function nearest(name: string, candidates: readonly string[], distance = 4): string | undefined {
  const [closest] = candidates
    .map((candidate) => ({ candidate, distance: editDistance(name.toLowerCase(), candidate.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance);
  return closest && closest.distance <= Math.min(distance, Math.floor(name.length / 2))
    ? closest.candidate
    : undefined;
}

/** Levenshtein distance: insertions, deletions and replacements of one character that turn `a` into `b`. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (const [i, left] of [...a].entries()) {
    const current = [i + 1];
    for (const [j, right] of [...b].entries()) {
      current.push(
        Math.min(
          (current[j] ?? 0) + 1,
          (previous[j + 1] ?? 0) + 1,
          (previous[j] ?? 0) + (left === right ? 0 : 1),
        ),
      );
    }
    previous = current;
  }
  return previous[b.length] ?? 0;
}
