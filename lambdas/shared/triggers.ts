/** A pipeline that files of a prefix start. */
export interface Trigger {
  readonly pipeline: string;
  readonly stateMachineArn: string;
}

/** The trigger of the longest prefix that the key begins with. */
export function triggerOf(triggers: Readonly<Record<string, Trigger>>, key: string): Trigger | undefined {
  const prefix = Object.keys(triggers)
    .filter((candidate) => key.startsWith(candidate))
    .sort((a, b) => b.length - a.length)[0];
  return prefix === undefined ? undefined : triggers[prefix];
}
