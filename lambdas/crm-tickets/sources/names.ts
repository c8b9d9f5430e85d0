/** Host and port of an address as a folder's name. */
export function hostOf(url: string): string {
  return new URL(url).host.replace(/[^a-z0-9.-]/g, '-');
}
