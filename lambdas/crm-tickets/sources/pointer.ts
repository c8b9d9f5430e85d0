/**
 * What a JSON pointer (RFC 6901) leads to; undefined where there is nothing.
 * @param pointer empty for all of it, else beginning with a slash
 */
export function at(value: unknown, pointer: string): unknown {
  let found = value;
  for (const token of pointer.split('/').slice(1)) {
    const name = token.replaceAll('~1', '/').replaceAll('~0', '~');
    found =
      typeof found === 'object' && found !== null && Object.hasOwn(found, name)
        ? Reflect.get(found, name)
        : undefined;
  }
  return found;
}
