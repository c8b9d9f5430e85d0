/**
 * Orders nodes so that each comes after those it depends on, and otherwise as given.
 * @throws Error with the path of a cycle, `A → B → A`
 */
export function inDependencyOrder(
  nodes: readonly string[],
  dependenciesOf: (node: string) => Iterable<string>,
  label: (node: string) => string = (node) => node,
): string[] {
  const ordered = new Set<string>();
  const path: string[] = [];
  const visit = (node: string) => {
    if (ordered.has(node)) return;
    const start = path.indexOf(node);
    if (start >= 0) {
      throw new Error(`Circular dependency: ${[...path.slice(start), node].map(label).join(' → ')}`);
    }
    path.push(node);
    for (const dependency of dependenciesOf(node)) visit(dependency);
    path.pop();
    ordered.add(node);
  };
  nodes.forEach(visit);
  return [...ordered];
}
