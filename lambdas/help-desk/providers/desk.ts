import { createService, type Service, type ServiceOptions } from '../../shared/http/service.ts';
import { DESK } from '../remote.ts';

export type { Answer } from '../../shared/http/service.ts';

/** A desk behind its API. @see createService */
export function createDesk(options: Omit<ServiceOptions, 'remote'>): Service {
  return createService({ remote: DESK, ...options });
}
