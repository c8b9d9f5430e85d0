import type { Api, Route } from './apis.ts';

export interface Match {
  readonly route: Route;
  readonly parameters: Readonly<Record<string, string>>;
}

/**
 * The most specific route of a request: a whole path before one with parameters, that before a greedy one, `$default`
 * last; the method's own before `ANY` (API Gateway developer guide, "Routes for HTTP APIs").
 * @param path decoded by nobody yet
 */
export function routeOf({ routes }: Pick<Api, 'routes'>, method: string, path: string): Match | undefined {
  const matches = [...routes.values()].flatMap((route) => {
    const parameters = parametersOf(route.key, method, path);
    return parameters ? [{ route, parameters }] : [];
  });
  return matches.sort((a, b) => rankOf(a.route.key) - rankOf(b.route.key))[0];
}

function parametersOf(key: string, method: string, path: string): Record<string, string> | undefined {
  if (key === '$default') return {};
  const [wanted = '', template = ''] = key.split(' ');
  if (wanted !== 'ANY' && wanted !== method) return undefined;
  const pattern = template
    .split('/')
    .map((part) => {
      const [, name, isGreedy] = /^\{(\w+)(\+?)\}$/.exec(part) ?? [];
      return name ? `(?<${name}>${isGreedy ? '.+' : '[^/]+'})` : RegExp.escape(part);
    })
    .join('/');
  const found = new RegExp(`^${pattern}$`).exec(path);
  return found ? { ...found.groups } : undefined;
}

function rankOf(key: string): number {
  if (key === '$default') return 1000;
  const isAny = key.startsWith('ANY ') ? 1 : 0;
  const greedy = key.includes('+}') ? 100 : 0;
  return greedy + 2 * (key.split('{').length - 1) + isAny;
}
