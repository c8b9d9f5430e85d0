import type { Throttling } from '../shared/http/service.ts';
import { DeskRefused, DeskThrottled, DeskUnavailable } from './errors.ts';

/** Desks, as remote systems. */
export const DESK: Throttling = {
  what: 'desk',
  privateOption: 'helpDesk.allowPrivateTargets',
  Refused: DeskRefused,
  Unavailable: DeskUnavailable,
  Throttled: DeskThrottled,
};
